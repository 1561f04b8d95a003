"""Training with Keras as with PyTorch: the same batches, run folder, resume and exit behavior."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alexnet import UserError, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.evaluation import evaluate
from alexnet.prediction import predict
from alexnet.run import Run
from alexnet.training import Observer, TrainingInterrupted, resume, train

from ..images import red_and_blue

SMALL = {"widths": 8, "hidden": 16, "image_size": 63}


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that a network learns at once: reddish and bluish noise."""
    return red_and_blue(tmp_path_factory.mktemp("data") / "colors")


def small_recipe(**changes: Any) -> Recipe:
    own = {"epochs": 3, "batch_size": 8, "image_size": None, "precision": "fp32"}
    return recipe("fast", **own | changes)


def start(
    data: Path,
    folder: Path,
    backend: str,
    *,
    network: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    **changes: Any,
) -> Any:
    """Train the small network, with changes to it and to the recipe."""
    return train(
        data,
        changes={**SMALL, **(network or {})},
        recipe=small_recipe(**changes),
        compute=Compute(device="cpu", backend=backend),
        output_dir=folder,
        observer=observer,
    )


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_it_trains_what_pytorch_trains(colors: Path, tmp_path: Path, backend: str) -> None:
    """The same batches in the same order: without dropout the same losses, epoch by epoch."""
    for name in ("torch", backend):
        start(colors, tmp_path / name, name, network={"dropout": 0.0})
    ours, theirs = table(tmp_path / backend), table(tmp_path / "torch")
    for row, expected in zip(ours, theirs, strict=True):
        for key, value in expected.items():
            assert float(row[key]) == pytest.approx(float(value), rel=5e-3, abs=5e-4), key
    files = {p.name for p in (tmp_path / backend).iterdir()}
    assert files == {p.name for p in (tmp_path / "torch").iterdir()}
    versions = Run.open(tmp_path / backend).environment.versions
    assert set(versions) == {"alexnet", "numpy", "keras", backend}


def test_it_learns_with_everything_on(colors: Path, tmp_path: Path, backend: str) -> None:
    outcome = start(
        colors,
        tmp_path / "run",
        backend,
        epochs=10,
        precision="bf16",
        optimizer="adamw",
        lr=1e-3,
        network={"norm": "batch", "dropout": 0.1},
    )
    assert outcome.metrics.top1 >= 0.9


def test_a_run_is_evaluated_and_predicted_in_any_backend(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    start(colors, tmp_path / "run", backend)
    images = [colors / "val" / "red", colors / "val" / "blue"]
    ours, theirs = (
        evaluate(tmp_path / "run", colors, crops=10, backend=name, output_dir=tmp_path / name)
        for name in (backend, "torch")
    )
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-5)
    default, torch_rows = (
        list(predict(tmp_path / "run", images, compute=Compute(backend=name)))
        for name in (None, "torch")
    )
    assert [row.classes for row in default] == [row.classes for row in torch_rows]


class StopsAt(Observer):
    """Sends this process a signal after a step, as Ctrl-C does."""

    def __init__(self, epoch: int, step: int) -> None:
        self._when = (epoch, step)

    def step(self, *, epoch: int, step: int, **figures: Any) -> None:
        if (epoch, step) == self._when:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("network", [{}, {"norm": "batch"}])
def test_a_run_that_was_stopped_ends_bit_for_bit_the_same(
    colors: Path, tmp_path: Path, backend: str, network: dict[str, Any]
) -> None:
    start(colors, tmp_path / "whole", backend, network=network)
    with pytest.raises(TrainingInterrupted):
        start(colors, tmp_path / "cut", backend, observer=StopsAt(1, 2), network=network)
    resume(tmp_path / "cut")
    for name in ("last.safetensors", "best.safetensors", "metrics.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_goes_on_in_another_backend(colors: Path, tmp_path: Path, backend: str) -> None:
    network = {"dropout": 0.0}
    start(colors, tmp_path / "whole", backend, network=network)
    with pytest.raises(TrainingInterrupted):
        start(colors, tmp_path / "cut", backend, observer=StopsAt(1, 2), network=network)
    resume(tmp_path / "cut", backend="torch")
    moved = Run.open(tmp_path / "cut")
    assert (moved.backend, moved.environment.earlier_backends) == ("torch", (backend,))
    ours = weights.read(tmp_path / "whole" / "last.safetensors")
    theirs = weights.read(tmp_path / "cut" / "last.safetensors")
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-2, atol=1e-4)


def test_fine_tuning_freezes_and_loads(colors: Path, tmp_path: Path, backend: str) -> None:
    start(colors, tmp_path / "first", "torch", network={"norm": "batch"})
    train(
        colors,
        recipe=recipe("fast", epochs=1, batch_size=8, pretrained=tmp_path / "first", freeze="conv"),
        compute=Compute(device="cpu", backend=backend),
        output_dir=tmp_path / "second",
    )
    before = weights.read(tmp_path / "first" / "best.safetensors")
    after = weights.read(tmp_path / "second" / "last.safetensors")
    for name in before:
        is_frozen = name.startswith(("conv", "norm"))
        assert bool((before[name] == after[name]).all()) == is_frozen, name


def run_python(
    code: str, *arguments: object, **environment: str
) -> "subprocess.CompletedProcess[str]":
    # JAX, where a test has imported it, sets a log level of TensorFlow for all that follows.
    own = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "", **environment}
    for name in [name for name, value in own.items() if not value]:
        del own[name]
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False)


CLI = "import sys; from alexnet.cli.main import main; sys.exit(main())"


def test_the_command_line_trains_without_pytorch(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    """`--backend`, with nothing but the lines that PyTorch prints, and no import of it."""
    code = (
        "import atexit, sys\n"
        "from alexnet.cli.main import main\n"
        "atexit.register(lambda: print('torch' in sys.modules))\n"
        "sys.exit(main())\n"
    )
    folder = tmp_path / "run"
    options = ["--image-size", 63, "--epochs", 1, "--output-dir", folder, "--backend", backend]
    options += ["--set", "widths=8", "--set", "hidden=16"]
    done = run_python(code, "train", colors, *options, KERAS_BACKEND="")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.endswith("False\n")
    assert f"Run: {folder}" in done.stdout
    assert Run.open(folder).backend == backend
    for command in (["evaluate", folder, colors], ["predict", folder, colors / "val" / "red"]):
        done = run_python(code, *command, KERAS_BACKEND="")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "False"), done.stderr


def test_a_backend_that_the_environment_contradicts(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    other = {"tensorflow": "jax", "jax": "tensorflow"}[backend]
    options = ["train", colors, "--backend", backend, "--output-dir", tmp_path / "run"]
    done = run_python(CLI, *options, KERAS_BACKEND=other)
    assert done.returncode == 2
    assert f"KERAS_BACKEND={other} is set" in done.stderr
    assert f"--backend {other}" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_backend_that_is_not_installed_names_its_extra(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    """As in an environment without it: the package cannot be found."""
    code = (
        "import sys, importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        "gone = sys.argv.pop(1)\n"
        "m.PathFinder.find_spec = classmethod(\n"
        "    lambda cls, name, *rest: None if name == gone else find(name, *rest))\n" + CLI
    )
    options = ["train", colors, "--backend", backend, "--output-dir", tmp_path / "run"]
    for gone in (backend, "keras"):
        done = run_python(code, gone, *options, KERAS_BACKEND="")
        assert done.returncode == 2
        assert f"{gone} not found" in done.stderr
        assert f"pip install -c constraints.txt -e '.[{backend}]'" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = run_python(code + "\n", "keras", KERAS_BACKEND="")
    done = run_python(code.replace(CLI, "import alexnet.keras"), "keras", KERAS_BACKEND="")
    assert "pip install -c constraints.txt -e '.[tensorflow]', or '.[jax]'" in done.stderr


def test_wrong_calls_are_one_line(colors: Path, tmp_path: Path, backend: str) -> None:
    with pytest.raises(UserError, match="did you mean 'tensorflow'"):
        Compute(backend="tensorflw")
    with pytest.raises(UserError, match="--compile is for PyTorch"):
        Compute(backend=backend, compile=True)
    with pytest.raises(UserError, match=f"device 'mps' is not on this machine for {backend}"):
        train(colors, compute=Compute(backend=backend, device="mps"))
    with pytest.raises(UserError, match="cuda:7"):
        train(colors, compute=Compute(backend=backend, device="cuda:7"))
    other = {"tensorflow": "jax", "jax": "tensorflow"}[backend]
    with pytest.raises(UserError, match=f"unset KERAS_BACKEND|Keras runs on {backend}"):
        train(colors, compute=Compute(backend=other), output_dir=tmp_path / "run")
