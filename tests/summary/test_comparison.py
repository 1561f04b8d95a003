"""`alexnet compare`: the fields that differ, and their costs."""

import dataclasses
import json

import pytest

from alexnet import architecture, summary, variants
from alexnet.settings import fields


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}


def test_compare_paper_without_groups(command) -> None:
    table = rows(command("compare", "paper", "--with", "groups=1").out)
    assert table["groups"] == ["1,2,1,2,2", "1,1,1,1,1"]
    assert set(table) == {"field", "groups", "per", "parameters", "MACs", "activations,"}
    # conv2, conv4 and conv5 then have twice the weights: 307,200 + 663,552 + 442,368 more.
    assert table["parameters"] == ["60,965,224", "62,378,344", "1.023"]
    # At 27x27, 13x13 and 13x13 positions.
    macs = 724_406_816 + 307_200 * 27**2 + (663_552 + 442_368) * 13**2
    assert table["MACs"] == ["724,406,816", f"{macs:,}", "1.567"]
    assert table["activations,"][-1] == "1.000"


def test_unused_fields_are_not_compared(command) -> None:
    table = rows(command("compare", "half", "bvlc").out)
    assert table["lrn_k"] == ["-", "1"]
    assert "batch_norm_eps" not in table
    report = json.loads(command("compare", "half", "bvlc", "--json", "-").out)
    assert report["differences"]["lrn_k"] == {"first": None, "second": 1.0}
    assert report["differences"]["image_size"] == {"first": 224, "second": 227}
    assert report["totals"]["num_parameters"] == {
        "first": 16_630_440, "second": 60_965_224, "ratio": 60_965_224 / 16_630_440
    }  # fmt: skip


@pytest.mark.parametrize("variant", variants())
def test_a_network_has_no_differences_to_itself(command, variant: str) -> None:
    result = command("compare", variant, variant, "--set", "image_size=100")
    assert result.out.startswith("no differences\n")
    assert result.out.count("1.000") == 3


def test_exactly_the_unused_fields_leave_the_layers_unchanged() -> None:
    nets = [architecture(variant) for variant in variants()]
    nets += [architecture("half", dropout=0), architecture("half", pool_layers=())]
    others = {"lrn_size": 3, "lrn_alpha": 0.5, "lrn_beta": 0.5, "lrn_k": 5.0}
    others |= {"lrn_alpha_divided": None, "batch_norm_eps": 0.5, "batch_norm_momentum": 0.5}
    others |= {"norm_layers": (3,), "pool_window": 2, "pool_stride": 3, "dropout_position": None}
    for net in nets:
        for field in fields(type(net)):
            if field.name not in others:
                continue
            value = others[field.name]
            if field.name == "lrn_alpha_divided":
                value = not net.lrn_alpha_divided
            if field.name == "dropout_position":
                value = "before" if net.dropout_position == "after" else "after"
            changed = dataclasses.replace(net, **{field.name: value})
            is_unused = field.name in summary.compare_architectures(net, net).unused[0]
            assert (changed.layers == net.layers) == is_unused, (net.variant, field.name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("paper",), "missing second network: pass a second VARIANT or --with FIELD=VALUE"),
        (("paper", "owtt"), "did you mean 'owt'?"),
        (("paper", "owt", "--with", "norms=lrn"), "did you mean 'norm'?"),
        (("paper", "owt", "--set", "image_size=3"), "a 3x3 image is too small"),
    ],
)
def test_compare_errors_are_one_line(command, arguments: tuple[str, ...], message: str) -> None:
    result = command("compare", *arguments)
    assert result.status == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
