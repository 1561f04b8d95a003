"""Fine-tuning as a user meets it: weights that are there already, new images, a run out."""

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet import UserError, architecture, loading, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.data.augmentation import view_plan
from alexnet.pretrained.fine_tuning import lr_factors, resolve_source
from alexnet.pretrained.published import PUBLISHED, load_pretrained
from alexnet.run import LAST, Run
from alexnet.spec.catalog import VARIANTS
from alexnet.training import Observer, TrainingInterrupted, resume, train
from alexnet.training.checkpoint import load

from ..conftest import Command
from ..serving import Server, serving
from ..weights import test_caffe
from .test_train import StopsAt, read_results

SMALL: dict[str, Any] = {"widths": 8, "groups": 1, "hidden": 16, "image_size": 63}
CPU = Compute(device="cpu")


def make_images(root: Path, classes: tuple[str, ...]) -> Path:
    """Noise, of another color in each class."""
    generator = np.random.default_rng(len(classes))
    for split, count in (("train", 12), ("val", 4)):
        for place, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 128, (70, 80, 3))
                pixels[..., place % 3] += 100
                Image.fromarray(pixels.astype(np.uint8)).save(root / split / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_images(tmp_path_factory.mktemp("data") / "colors", ("blue", "red"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_images(tmp_path_factory.mktemp("data") / "others", ("a", "b", "c"))


@pytest.fixture(scope="module")
def source(colors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the others start from; its batch norms have seen images."""
    folder = tmp_path_factory.mktemp("runs") / "source"
    chosen = recipe("fast", epochs=1, batch_size=8, image_size=None, seed=3)
    changes = {**SMALL, "norm": "batch"}
    train(colors, changes=changes, recipe=chosen, compute=CPU, output_dir=folder)
    return folder


def tune(data: Path, folder: Path, pretrained: Path | str, **changes: Any) -> Run:
    """Fine-tune with changes to the recipe fast; a few of them are arguments of `train`."""
    own = {n: changes.pop(n) for n in ("observer", "variant", "compute") if n in changes}
    network = changes.pop("network", {})
    changes = {"epochs": 2, "batch_size": 8, "pretrained": str(pretrained)} | changes
    options = {"compute": CPU, "recipe": recipe("fast", **changes), "output_dir": folder} | own
    return train(data, changes=network, **options).run


class Listens(Observer):
    """Keeps what is said, and what is saved before the first step."""

    def __init__(self, folder: Path) -> None:
        self.notices: list[str] = []
        self.start: dict[str, np.ndarray] = {}
        self._folder = folder

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def started(self, **_: Any) -> None:
        saved = load(self._folder)
        assert saved is not None
        self.start = saved[0]


def test_what_is_loaded_what_is_new_and_what_is_frozen(
    source: Path, others: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    seen = Listens(folder)
    run = tune(others, folder, source, freeze="conv1,norm1,conv2", observer=seen)
    loaded = Run.open(source).weights()
    assert run.architecture.image_size == 63  # of the run, not of the recipe
    assert run.architecture.norm == "batch"
    assert seen.start.keys() == loaded.keys()
    body = [name for name in loaded if not name.startswith("fc8.")]
    assert all((seen.start[name] == loaded[name]).all() for name in body)
    fresh = weights.initial(run.architecture, run.recipe.seed)
    assert seen.start["fc8.weight"].shape == (3, 16)
    assert (seen.start["fc8.weight"] == fresh["fc8.weight"]).all()
    after = run.weights(LAST)
    frozen = [name for name in body if name.split(".")[0] in ("conv1", "norm1", "conv2")]
    assert len(frozen) == 8
    for name in after:
        assert (after[name] == seen.start[name]).all() == (name in frozen), name
    lines = [line for line in seen.notices if line.startswith("fine-tuning from ")]
    assert len(lines) == 1
    assert f"{source} (run of half, 0.0 million parameters): conv1 … fc7 loaded" in lines[0]
    assert lines[0].endswith("fc8 randomly initialized for 3 classes; frozen: conv1, norm1, conv2")
    assert any("at 0.1 times the learning rate" in line for line in seen.notices)
    config = json.loads((folder / "run.json").read_text())
    assert config["recipe"]["freeze"] == ["conv1", "norm1", "conv2"]
    assert config["recipe"]["pretrained"] == str(source)
    assert "fc7.weight" in config["pretrained"]["loaded"]
    assert "fc8.weight" not in config["pretrained"]["loaded"]


def test_a_run_of_an_earlier_version_is_refused_with_what_to_do(
    source: Path, tmp_path: Path
) -> None:
    old = shutil.copytree(source, tmp_path / "old")
    (old / "run.json").rename(old / "config.json")
    with pytest.raises(UserError, match=r"written by alexnet 0\.1.*best\.safetensors"):
        Run.open(old)
    assert lr_factors(Run.open(source)) == {}


def test_conv_freezes_the_convolutional_part(source: Path, others: Path, tmp_path: Path) -> None:
    run = tune(others, tmp_path / "run", source, freeze="conv", epochs=1)
    factors = lr_factors(run)
    assert {name for name, factor in factors.items() if factor} == {
        f"fc{n}.{kind}" for n in (6, 7) for kind in ("weight", "bias")
    }
    before, after = Run.open(source).weights(), run.weights(LAST)
    assert (after["norm2.running_mean"] == before["norm2.running_mean"]).all()
    assert (after["fc6.weight"] != before["fc6.weight"]).any()


def test_the_last_layer_is_kept_when_its_classes_are_the_same(
    source: Path, colors: Path, tmp_path: Path
) -> None:
    seen = Listens(tmp_path / "same")
    tune(colors, tmp_path / "same", source, observer=seen)
    loaded = Run.open(source).weights()
    assert (seen.start["fc8.weight"] == loaded["fc8.weight"]).all()
    assert any("fc8 loaded (same classes)" in line for line in seen.notices)
    swapped = shutil.copytree(source, tmp_path / "swapped")
    (swapped / "classes.json").write_text('["red", "blue"]')
    seen = Listens(tmp_path / "other")
    tune(colors, tmp_path / "other", swapped, observer=seen)
    assert (seen.start["fc8.weight"] != loaded["fc8.weight"]).any()
    assert any("fc8 randomly initialized for 2 classes" in line for line in seen.notices)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "sgd-2012", "adam"])
def test_a_stopped_run_goes_on_exactly_without_what_it_started_from(
    optimizer: str, source: Path, others: Path, tmp_path: Path
) -> None:
    gone = shutil.copytree(source, tmp_path / "gone")
    options = {"freeze": "conv2,norm1", "optimizer": optimizer, "lr": 1e-3}
    tune(others, tmp_path / "whole", gone, **options)
    with pytest.raises(TrainingInterrupted):
        tune(others, tmp_path / "stopped", gone, observer=StopsAt(1, 2), **options)
    shutil.rmtree(gone)
    resume(tmp_path / "stopped")
    assert read_results(tmp_path / "stopped") == read_results(tmp_path / "whole")


def test_a_run_killed_before_its_first_step_goes_on_without_the_file(
    source: Path, others: Path, tmp_path: Path
) -> None:
    class Dies(Observer):
        def started(self, **_: Any) -> None:
            raise KeyboardInterrupt

    file = tmp_path / "weights.safetensors"
    weights.write(Run.open(source).weights(), file)
    network = {**SMALL, "norm": "batch"}
    options: dict[str, Any] = {"variant": "half", "network": network}
    tune(others, tmp_path / "whole", file, **options)
    with pytest.raises(KeyboardInterrupt):
        tune(others, tmp_path / "killed", file, observer=Dies(), **options)
    file.unlink()
    resume(tmp_path / "killed")
    assert read_results(tmp_path / "killed") == read_results(tmp_path / "whole")


def test_without_its_checkpoint_a_run_does_not_start_from_something_else(
    source: Path, others: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingInterrupted):
        tune(others, tmp_path / "run", source, observer=StopsAt(0, 1))
    (tmp_path / "run/checkpoint.safetensors").unlink()
    with pytest.raises(UserError, match="the checkpoint with its pretrained weights is missing"):
        resume(tmp_path / "run")


@pytest.mark.parametrize(("optimizer", "decay"), [("sgd", 0.0), ("sgd-2012", 0.5)])
def test_a_step_with_factors_worked_by_hand(optimizer: str, decay: float, source: Path) -> None:
    """Of each weight w := w - factor lr (gradient + decay w), with the gradient of plain SGD."""
    start = Run.open(source).weights()
    chosen = Recipe(optimizer=optimizer, momentum=0.0, weight_decay=decay)
    run = dataclasses.replace(Run.open(source), recipe=chosen)
    plain = dataclasses.replace(run, recipe=Recipe(momentum=0.0, weight_decay=0))
    images = [np.random.default_rng(n).integers(0, 256, (72, 72, 3), np.uint8) for n in (0, 1)]

    def stepped(which: Run, factors: dict[str, float]) -> dict[str, np.ndarray]:
        trainer = loading.open_trainer(which, start, Compute(device="cpu"), lr_factors=factors)
        plan = view_plan(run.preprocessing, 2)
        trainer.step(images, np.array([0, 1]), plan, lr=0.25, seed=1)
        return trainer.weights()

    factors = {"conv2.weight": 0.5, "fc6.weight": 0.1, "fc6.bias": 0.0, "conv1.weight": 0.0}
    after, once = stepped(run, factors), stepped(plain, {})
    for name in [name for name in start if "running" not in name]:
        gradient = (start[name].astype(float) - once[name]) / 0.25
        step = factors.get(name, 1.0) * 0.25 * (gradient + decay * start[name])
        np.testing.assert_allclose(after[name], start[name] - step, atol=1e-6, err_msg=name)
    assert (after["fc6.bias"] == start["fc6.bias"]).all()
    assert (after["conv1.weight"] == start["conv1.weight"]).all()


def test_what_is_frozen_has_no_gradient_and_no_state(source: Path) -> None:
    from alexnet.torch.inference import TorchInferenceModel
    from alexnet.torch.trainer import Trainer

    run = Run.open(source)
    model = TorchInferenceModel(run.architecture, run.weights(), run.preprocessing, device="cpu")
    names = [name for name in run.architecture.weight_shapes if name.startswith(("conv1", "norm1"))]
    trainer = Trainer(model, run.recipe, lr_factors=dict.fromkeys(names, 0.0))
    squares = [np.full((72, 72, 3), 200, np.uint8)] * 2
    trainer.step(squares, np.array([0, 1]), view_plan(run.preprocessing, 2), lr=0.01, seed=0)
    assert not any(part in key for key in trainer.state() for part in ("conv1", "norm1"))
    assert "optimizer.conv2.weight.momentum_buffer" in trainer.state()
    network = model.network
    assert network.conv1.weight.grad is None
    assert not network.norm1.training
    assert network.norm2.training


@pytest.fixture
def bvlc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Caffe's net, but narrow, on the loopback address."""
    with published("bvlc", tmp_path, monkeypatch) as server:
        yield server


def published(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    net = architecture(name, widths=8, groups=1, hidden=16)
    monkeypatch.setitem(VARIANTS, name, net)
    file = tmp_path / f"{name}.pth"
    torch.save({key: torch.from_numpy(a) for key, a in weights.initial(net, 5).items()}, file)
    context = serving(file.read_bytes(), file.name)

    class Serves:
        def __enter__(self) -> Server:
            server = context.__enter__()
            changes = {"url": server.url, "checksum": server.checksum}
            entry = dataclasses.replace(PUBLISHED[name], **changes)
            monkeypatch.setitem(PUBLISHED, name, entry)
            return server

        def __exit__(self, *error: Any) -> None:
            context.__exit__(*error)

    return Serves()


@pytest.mark.usefixtures("bvlc")
def test_preprocessing_travels(others: Path, tmp_path: Path) -> None:
    """Caffe's nets see blue first, on the scale to 255: a red image shows in channel 2."""
    run = tune(others, tmp_path / "run", "bvlc", epochs=1)
    assert Run.open(run.folder).preprocessing == PUBLISHED["bvlc"].preprocessing
    assert run.recipe.pretrained == "bvlc"
    network = loading.open_inference_model(run, Compute(device="cpu"))
    red = np.zeros((256, 256, 3), np.uint8)
    red[..., 0] = 240
    batch = network.batch([red], view_plan(run.preprocessing, 1))  # type: ignore[attr-defined]
    assert batch.shape == (1, 3, 227, 227)
    expected = [-104.0069879, -116.6687676, 240 - 122.6789143]
    np.testing.assert_allclose(batch[0, :, 100, 100], expected, rtol=1e-6)


@pytest.mark.slow
def test_a_mean_image_travels_and_is_scaled(colors: Path, others: Path, tmp_path: Path) -> None:
    chosen = recipe("fast", epochs=1, batch_size=8, image_size=None, normalization="per_pixel")
    train(colors, changes=SMALL, recipe=chosen, compute=CPU, output_dir=tmp_path / "source")
    before = Run.open(tmp_path / "source").mean_image()
    assert before is not None
    same = tune(others, tmp_path / "same", tmp_path / "source", epochs=1)
    assert np.array_equal(before, same.mean_image())  # type: ignore[arg-type]
    larger = tune(others, tmp_path / "larger", tmp_path / "source", epochs=1, image_size=90)
    after = larger.mean_image()
    assert after is not None
    assert after.shape == (larger.preprocessing.resize_px,) * 2 + (3,) == (103, 103, 3)
    np.testing.assert_allclose(after.mean((0, 1)), before.mean((0, 1)), rtol=0.01)


def test_a_file_without_preprocessing_takes_the_recipes(
    source: Path, others: Path, tmp_path: Path
) -> None:
    file = tmp_path / "weights.safetensors"
    weights.write(Run.open(source).weights(), file)
    network = {**SMALL, "norm": "batch"}
    seen = Listens(tmp_path / "run")
    options: dict[str, Any] = {"variant": "half", "network": network, "observer": seen}
    run = tune(others, tmp_path / "run", file, normalization="minus_one_to_one", **options)
    message = (
        f"{file} does not state how its training images were normalized; "
        "using --normalization minus_one_to_one"
    )
    assert message in seen.notices
    assert run.preprocessing.mean == (127.5,) * 3
    with pytest.raises(UserError, match=r"do not fit .*: unexpected norm1.weight"):
        tune(others, tmp_path / "bad", file, variant="half", network={**SMALL, "norm": "none"})


def test_any_model_of_caffe_sees_blue_first(tmp_path: Path) -> None:
    """Also one that someone fine-tuned, of which no checksum is known."""
    file = tmp_path / "mine.caffemodel"
    file.write_bytes(test_caffe.caffemodel(renamed={"fc8": "fc8_mine"}))
    result = load_pretrained(str(file), variant=test_caffe.NET)
    assert result.preprocessing == PUBLISHED["bvlc"].preprocessing
    assert str(result).startswith(f"{file} (Caffe model, ")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"freeze": "conv1,conv9"}, "unknown layer to freeze 'conv9'"),
        ({"freeze": "norm3"}, "unknown layer to freeze 'norm3'"),
        ({"freeze": "fc8"}, "cannot freeze fc8"),
        ({"image_size": 128}, "use --image-size 63 to 94"),
        ({"variant": "owt"}, "conv1.weight has shape"),
        ({"variant": "owtt"}, "did you mean 'owt'"),
        ({"pretrained": "."}, "is not a run"),
        ({"network": {"num_classes": 9}}, "num_classes is 9, but .* has 3 classes"),
        ({"compute": Compute(device="cuda:99")}, "'cuda:99' is not available"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written_or_said_of_the_images(
    changes: dict[str, Any], says: str, source: Path, others: Path, tmp_path: Path
) -> None:
    changes, seen = dict(changes), Listens(tmp_path / "run")
    pretrained = changes.pop("pretrained", source)
    with pytest.raises(UserError, match=says):
        tune(others / "train", tmp_path / "run", pretrained, observer=seen, **changes)
    assert not (tmp_path / "run").exists()
    assert seen.notices == []


def test_a_folder_that_is_taken_is_said_before_weights_are_fetched(
    source: Path, others: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with published("owt", tmp_path, monkeypatch) as server:
        with pytest.raises(UserError, match="already exists"):
            tune(others, source, "owt", variant="owt")
        assert server.ranges == []


def test_nothing_left_to_train(source: Path, colors: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to train"):
        tune(colors, tmp_path / "run", source, pretrained_lr_factor=0)
    with pytest.raises(UserError, match="set --pretrained"):
        resolve_source(recipe("fast", freeze="conv1"))


def test_only_what_is_new_can_be_trained(source: Path, others: Path, tmp_path: Path) -> None:
    run = tune(others, tmp_path / "run", source, pretrained_lr_factor=0)
    before, after = Run.open(source).weights(), run.weights(LAST)
    changed = {name for name in after if not np.array_equal(before[name], after[name])}
    assert changed == {"fc8.weight", "fc8.bias"}


@pytest.mark.slow
def test_the_command_line(
    others: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Command,
) -> None:
    options = ["--epochs", 1, "--batch-size", 8, "--image-size", 80, "--device", "cpu"]
    options += ["--pretrained", "owt", "--freeze", "conv1,conv2"]
    with published("owt", tmp_path, monkeypatch) as server:
        first = ["train", others, *options, "--output-dir", tmp_path / "a"]
        message = command(*first, "--offline")
        assert message.status == 2
        assert len(message.err.splitlines()) == 1
        assert f"download {server.url} manually" in message.err
        message = command(*first)
        assert message.status == 0
        assert re.search(r"^downloading owt.pth, \d+ kB, from 127.0.0.1", message.out, re.MULTILINE)
        assert "fine-tuning from owt (torchvision, 0.0 million parameters)" in message.out
        assert "fc8 randomly initialized for 3 classes; frozen: conv1, conv2" in message.out
    again = ["train", "--config", tmp_path / "a/run.json", "--output-dir", tmp_path / "b"]
    assert command(*again, "--offline").status == 0
    assert read_results(tmp_path / "a") == read_results(tmp_path / "b")
    run = Run.open(tmp_path / "a")
    assert run.architecture.image_size == 80
    assert run.preprocessing.mean == PUBLISHED["owt"].preprocessing.mean
