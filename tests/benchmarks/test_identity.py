"""The comparison of `benchmarks/identity.py`; its training runs are those of the command line."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.main import get_command

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "identity.py"


@pytest.fixture(scope="module")
def identity() -> ModuleType:
    spec = importlib.util.spec_from_file_location("identity", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def save_run(folder: Path, last_bias: float = 0.0, loss: str = "2.302") -> Path:
    """Write what `digests_of` reads of a run's folder."""
    folder.mkdir()
    (folder / "metrics.csv").write_text(f"epoch,train_loss\n1,{loss}\n")
    for name, bias in (("best", 0.0), ("last", last_bias)):
        arrays = {
            "conv1.weight": np.ones((2, 3), np.float32),
            "conv1.bias": np.full(2, bias, np.float32),
        }
        save_file(arrays, folder / f"{name}.safetensors")
    return folder


def record(**runs: dict[str, str]) -> dict[str, Any]:
    return {"versions": {"torch": "2.0"}, "runs": runs}


def test_equal_runs_are_identical(identity: ModuleType, tmp_path: Path) -> None:
    first = identity.digests_of(save_run(tmp_path / "a"))
    second = identity.digests_of(save_run(tmp_path / "b"))
    assert len(first) == 5
    line, status = identity.verdict(record(half=first), record(half=second))
    assert (line.split(",")[0], status) == ("identical: 1 of 1 runs", 0)


def test_the_smallest_change_of_one_weight_is_a_difference(
    identity: ModuleType, tmp_path: Path
) -> None:
    before = identity.digests_of(save_run(tmp_path / "a"))
    tiny = float(np.nextafter(np.float32(0), np.float32(1)))
    after = identity.digests_of(save_run(tmp_path / "b", last_bias=tiny))
    line, status = identity.verdict(record(half=before), record(half=after))
    assert (line, status) == ("different: 1 of 1 runs: half (last.safetensors/conv1.bias)", 1)


def test_another_sign_of_zero_shape_or_type_is_a_difference(
    identity: ModuleType, tmp_path: Path
) -> None:
    base = np.zeros(4, np.float32)
    variants = (base, -base, base.reshape(2, 2), base.view(np.int32))
    digests = set()
    for number, array in enumerate(variants):
        run = save_run(tmp_path / str(number))
        save_file({"fc8.bias": array}, run / "last.safetensors")
        digests.add(identity.digests_of(run)["last.safetensors/fc8.bias"])
    assert len(digests) == len(variants)


def test_another_metric_is_a_difference(identity: ModuleType, tmp_path: Path) -> None:
    before = identity.digests_of(save_run(tmp_path / "a"))
    after = identity.digests_of(save_run(tmp_path / "b", loss="2.303"))
    assert identity.differences({"half": before}, {"half": after}) == {"half": "metrics.csv"}


def test_missing_and_additional_arrays_are_differences(identity: ModuleType) -> None:
    before, after = {"metrics.csv": "1", "conv1": "2"}, {"metrics.csv": "1", "conv2": "2"}
    changes = identity.differences({"half": before}, {"half": after, "paper": after})
    assert changes == {"half": "conv1 and 1 more", "paper": "not recorded"}


def test_other_library_versions_are_reported_with_a_difference(identity: ModuleType) -> None:
    before, after = record(half={"metrics.csv": "1"}), record(half={"metrics.csv": "2"})
    line, _ = identity.verdict(before, after | {"versions": {"torch": "2.1"}})
    assert line.endswith("; library versions differ too")


def test_every_run_is_a_valid_call_of_alexnet_train(identity: ModuleType) -> None:
    from alexnet.cli.main import app

    train = get_command(app).commands["train"]  # type: ignore[attr-defined]
    for options in identity.RUNS.values():
        call = ["digits", *identity.COMMON.split(), *options.split()]
        with train.make_context("train", call) as context:
            assert context.params["seed"] == 7


def test_a_missing_record_fails_before_training(
    identity: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["identity.py", "compare", str(tmp_path / "none.json")])
    monkeypatch.setattr(identity, "measure", lambda _: pytest.fail("trained"))
    with pytest.raises(SystemExit, match=r"no such file: .*none\.json"):
        identity.main()
