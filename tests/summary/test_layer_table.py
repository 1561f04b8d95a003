"""Layer tables against PyTorch's own counts and against values computed by hand."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from torch import nn

from alexnet import Architecture, UserError, architecture, summary, variants

from ..strategies import changes


def count_with_torch(net: Architecture) -> dict[str, dict[str, object]]:
    """Return shapes, parameters, MACs and new memory of every module, from hooks."""
    import alexnet

    counts: dict[str, dict[str, object]] = {}
    alive: list[torch.Tensor] = []
    with torch.no_grad():
        model = alexnet.AlexNet(net)
    model.train()

    def hook(name: str):
        def note(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            weights = 0
            if isinstance(module, nn.Conv2d):
                # Every weight is used once per output value.
                weights = module.weight[0].numel() * output[0].numel()
            elif isinstance(module, nn.Linear):
                weights = module.weight.numel()
            alive.extend((inputs[0], output))
            is_new = output.data_ptr() != inputs[0].data_ptr()
            counts[name] = {
                "output_shape": tuple(output.shape[1:]),
                "num_parameters": sum(p.numel() for p in module.parameters()),
                "macs": weights,
                "activation_bytes": is_new * output[:1].numel() * output.element_size(),
            }

        return note

    for name, module in model.named_children():
        module.register_forward_hook(hook(name))
    # Two images: batch norm needs more than one value for a channel.
    with torch.no_grad():
        model(torch.zeros(2, *net.input_shape))
    return counts


def from_table(net: Architecture) -> dict[str, dict[str, object]]:
    names = ("output_shape", "num_parameters", "macs", "activation_bytes")
    return {r.layer: {n: getattr(r, n) for n in names} for r in summary.summarize(net).rows}


@pytest.mark.parametrize("variant", variants())
def test_layer_table_of_every_variant_equals_torch(variant: str) -> None:
    net = architecture(variant, num_classes=7, hidden=(64, 32))
    assert from_table(net) == count_with_torch(net)


@settings(max_examples=30, deadline=None)
@given(changes())
def test_layer_table_of_random_networks_equals_torch(changed: dict) -> None:
    try:
        net = architecture("paper", **changed)
    except UserError:
        assume(False)
    assert from_table(net) == count_with_torch(net)


def receptive_fields_by_gradient(net: Architecture) -> dict[str, tuple[int, int | None]]:
    """Return receptive field and stride of each feature map, from the gradient of single values.

    The image is so large that no field reaches its edge, and the weights are one. Average pooling
    replaces max pooling, whose gradient would reach a single pixel only.
    """
    from alexnet.spec.layers import Conv, MaxPool

    x = torch.zeros(1, 1, 5, 401, requires_grad=True)
    maps, fields = x, {}
    for step in net.trace():
        layer = step.layer
        if isinstance(layer, Conv):
            weight = torch.ones(1, 1, 1, layer.kernel)
            maps = nn.functional.conv2d(maps, weight, stride=(1, layer.stride))
        elif isinstance(layer, MaxPool):
            maps = nn.functional.avg_pool2d(maps, (1, layer.window), (1, layer.stride))
        else:
            continue
        starts, widths = [], []
        for position in (1, 2):
            (gradient,) = torch.autograd.grad(maps[0, 0, 0, position], x, retain_graph=True)
            touched = gradient[0, 0, 0].nonzero().flatten()
            starts.append(int(touched[0]))
            widths.append(int(touched[-1] - touched[0]) + 1)
        assert widths[0] == widths[1]
        fields[layer.name] = (widths[0], starts[1] - starts[0])
    return fields


@pytest.mark.parametrize("variant", variants())
def test_receptive_fields_equal_the_gradient(variant: str) -> None:
    net = architecture(variant)
    rows = {
        row.layer: (row.receptive_field_px, row.stride_px) for row in summary.summarize(net).rows
    }
    seen = receptive_fields_by_gradient(net)
    assert len(seen) == 8
    assert seen == {name: rows[name] for name in seen}


@pytest.mark.parametrize(
    ("image_size", "adaptive", "field", "stride"),
    # 13x13 after conv5 becomes 6x6 after pool5, with a field of 195 and a stride of 32.
    [(224, 6, 195, 32), (224, 3, 195 + 32, 64), (224, 4, 195 + 32, None), (224, 1, 355, 192)],
)
def test_receptive_field_of_an_adaptive_pool(
    image_size: int, adaptive: int, field: int, stride: int | None
) -> None:
    net = architecture("owt", image_size=image_size, adaptive_pool=adaptive)
    row = next(row for row in summary.summarize(net).rows if row.layer == "adaptive_pool")
    assert (row.receptive_field_px, row.stride_px) == (field, stride)


PAPER = """
conv1  96x55x55   (224 - 11 + 2*2)/4 + 1 = 55.25, 1 dropped  34944     105415200  1161600
pool1  96x27x27   (55 - 3)/2 + 1 = 27                        0         0          279936
conv2  256x27x27  (27 - 5 + 2*2)/1 + 1 = 27                  307456    223948800  746496
pool2  256x13x13  (27 - 3)/2 + 1 = 13                        0         0          173056
conv3  384x13x13  (13 - 3 + 2*1)/1 + 1 = 13                  885120    149520384  259584
conv4  384x13x13  (13 - 3 + 2*1)/1 + 1 = 13                  663936    112140288  259584
conv5  256x13x13  (13 - 3 + 2*1)/1 + 1 = 13                  442624    74760192   173056
pool5  256x6x6    (13 - 3)/2 + 1 = 6                         0         0          36864
fc6    4096       9216 to 4096                               37752832  37748736   16384
fc7    4096       4096 to 4096                               16781312  16777216   16384
fc8    1000       4096 to 1000                               4097000   4096000    4000
"""


def test_layer_table_of_the_paper_equals_values_by_hand() -> None:
    """Parameters follow from the kernels of the paper, MACs from these times the output pixels."""
    rows = {row.layer: row for row in summary.summarize(architecture("paper")).rows}
    for line in PAPER.strip().splitlines():
        name, shape, *arithmetic, parameters, macs, memory = line.split()
        row = rows[name]
        assert "x".join(map(str, row.output_shape)) == shape
        assert row.arithmetic.split() == arithmetic
        assert [row.num_parameters, row.macs, row.activation_bytes] == [
            int(parameters), int(macs), int(memory)
        ]  # fmt: skip
    table = summary.summarize(architecture("paper"))
    assert (table.num_parameters, table.macs) == (60_965_224, 724_406_816)


def test_asymmetric_padding_is_written_out() -> None:
    rows = {row.layer: row for row in summary.summarize(architecture("full-227")).rows}
    assert rows["conv1"].arithmetic == "(224 - 11 + 1 + 2)/4 + 1 = 55"
    assert rows["conv1"].dropped == 0


def test_info_prints_the_layer_table(command) -> None:
    result = command("info", "paper", "--set", "num_classes=10")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "paper: input 3x224x224, 10 classes"
    conv1 = next(line for line in lines if line.startswith("conv1"))
    arithmetic = "(224 - 11 + 2*2)/4 + 1 = 55.25, 1 dropped"
    costs = ["34,944", "105,415,200", "11", "4", "1,161.6"]
    assert conv1.split() == ["conv1", "96x55x55", *arithmetic.split(), *costs]
    total = next(line for line in lines if line.startswith("total"))
    assert total.split()[1:3] == ["56,909,194", "720,351,776"]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("variant", ["owt", "full-227"])
def test_info_fits_into_the_terminal(
    columns: int, variant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    from alexnet.cli.info_command import _print_table

    table = summary.summarize(architecture(variant))
    _print_table(table, Console(width=columns, highlight=False))
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert max(map(len, lines)) <= columns
    assert sum(line.startswith("conv1 ") for line in lines) == (2 if columns == 80 else 1)
    assert all(row.arithmetic in out for row in table.rows)


def test_info_as_json(command, tmp_path: Path) -> None:
    result = command("info", "half", "--json", "-")
    report = json.loads(result.out)
    assert [layer["layer"] for layer in report["layers"]][:3] == ["conv1", "relu1", "pool1"]
    assert report["layers"][0]["output_shape"] == [48, 55, 55]
    assert report["num_parameters"] == sum(layer["num_parameters"] for layer in report["layers"])
    command("info", "half", "--json", tmp_path / "half.json")
    assert json.loads((tmp_path / "half.json").read_text()) == report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("papre",), "unknown variant 'papre': did you mean 'paper'?"),
        (("paper", "--set", "kernel=3"), "unknown architecture field 'kernel': did you mean"),
        (("paper", "--set", "kernels"), "expected FIELD=VALUE"),
        (("paper", "--set", "image_size=20"), "the minimum image_size is 63"),
        (("paper", "--set", "widths=97"), "the 97 input channels of conv2 are not divisible by 2"),
        (("./nowhere",), "no such run: nowhere"),
        (("half", "--json", "nowhere/a.json"), "no such folder: nowhere"),
    ],
)
def test_info_errors_are_one_line(command, arguments: tuple[str, ...], message: str) -> None:
    result = command("info", *arguments)
    assert result.status == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert not result.out


def test_info_accepts_a_run(command, tmp_path: Path) -> None:
    from alexnet.config.hyperparameters import recipe
    from alexnet.config.preprocessing import Preprocessing
    from alexnet.run import Run

    net = architecture("half", num_classes=2, image_size=64, hidden=(5, 4))
    settings = Preprocessing(resize_px=73, crop_px=64)
    folder = tmp_path / "paper"
    Run(
        folder=folder,
        architecture=net,
        recipe=recipe("fast"),
        preprocessing=settings,
        classes=("a", "b"),
    ).save()
    assert summary.resolve_architecture(folder) == net
    assert summary.resolve_architecture(str(folder), {"num_classes": 3}).num_classes == 3
    assert (
        json.loads(command("info", folder, "--json", "-").out)["num_parameters"]
        == net.num_parameters
    )
