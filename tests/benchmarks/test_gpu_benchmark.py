"""The GPU benchmark, run on the CPU: what it writes, and what it does when something is wrong."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gpu
from gpu_parts import equality, gpu_tests, measure, project, throughput
from gpu_parts.budget import Budget, Deadline
from gpu_parts.context import Context
from gpu_parts.scale import TINY
from gpu_parts.tables import Column, Result, Table

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
MISSING = (
    *("platformdirs", "pooch", "requests", "keras", "tensorflow", "jax", "hypothesis", "jinja2"),
    *("google", "pytest_timeout", "tensorboard", "tomli", "mypy"),
)
"""Packages that a machine with nothing but PyTorch and the usual libraries does not have."""
BLOCKER = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, *rest):
        is_missing = name.partition(".")[0] in {MISSING!r}
        return None if is_missing else self.finder.find_spec(name, *rest)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]

import importlib.metadata as metadata
real = metadata.distribution

def distribution(name):
    if name == "alexnet":
        raise metadata.PackageNotFoundError(name)
    return real(name)

metadata.distribution = distribution
"""
SOME = ["device", "rates"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, dict[str, Any]]:
    """Exit status, text and JSON of all parts for some variants, with packages missing."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(BLOCKER)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("ALEXNET", "PYTHON"))},
        "PYTHONPATH": str(folder),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "OUT": str(folder / "out"),
    }
    blocked = [sys.executable, "-c", "import platformdirs"]
    assert subprocess.run(blocked, env=environment, stderr=subprocess.DEVNULL).returncode == 1
    call = [sys.executable, str(BENCHMARKS / "gpu.py"), "--device", "cpu"]
    done = subprocess.run(
        [*call, "--variants", "half", "paper"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (folder / "out/gpu.json").exists(), done.stdout
    return done.returncode, done.stdout, json.loads((folder / "out/gpu.json").read_text())


def tiny(**changes: Any) -> Context:
    scale = dataclasses.replace(TINY, **changes)
    return Context(torch.device("cpu"), scale, ("half",), ROOT)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_everything_runs_without_what_is_not_installed(
    whole: tuple[int, str, dict[str, Any]],
) -> None:
    status, text, report = whole
    assert status == 0, text
    assert report["passed"] is True
    assert report["scale"]["name"] == "tiny"
    assert {name: part["status"] for name, part in report["parts"].items()} == {
        "device": "done",
        "rates": "partly",
        "equality": "done",
        "training": "done",
        "inference": "done",
        "lrn": "partly",
        "pipeline": "done",
        "tests": "partly",
    }
    assert report["seconds"] < report["budget_s"]
    assert not any(part["failures"] for part in report["parts"].values())


def test_what_needs_a_gpu_is_named(whole: tuple[int, str, dict[str, Any]]) -> None:
    _, text, report = whole
    skipped = [reason for part in report["parts"].values() for reason in part["skipped"]]
    assert "copies from host to device: there is no GPU" in skipped
    tests = report["parts"]["tests"]
    (counts,) = tests["tables"][0]["rows"]
    if not torch.cuda.is_available():
        assert tests["skipped"] == [f"{counts['skipped']} tests: PyTorch finds no CUDA device"]
        assert counts["passed"] == 0
    assert counts["skipped"] + counts["passed"] > 50
    assert all(f"skipped: {reason}" in text for reason in skipped)


@pytest.mark.parametrize("what", ["training", "inference"])
def test_rates_of_every_case(what: str, whole: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = whole
    records = report["parts"][what]["records"]
    cases = [(r["variant"], r["precision"], r["batch"]) for r in records]
    precisions, batches = (report["scale"][key] for key in ("precisions", "batches"))
    assert cases == [(v, p, b) for v in ("half", "paper") for p in precisions for b in batches]
    for record in records:
        assert record["status"] == "ok"
        assert 0 < record["low"] <= record["images_per_s"] <= record["high"]
        assert record["of_matrix_rate"] > 0
        rate = record["tflops"] / record["images_per_s"]
        assert rate == pytest.approx(records[0]["tflops"] / records[0]["images_per_s"], rel=1)


def test_other_parts_are_sane(whole: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = whole
    parts = report["parts"]
    matrix, copies = parts["rates"]["tables"]
    assert [row["precision"] for row in matrix["rows"]] == ["fp32", "tf32", "bf16"]
    assert all(row["tflops"] > 0 for row in matrix["rows"])
    assert copies["rows"][0]["gb_s"] > 0
    logits, steps = parts["equality"]["tables"]
    for row in logits["rows"] + steps["rows"]:
        assert row["passed"] is True
    assert all(0 < row["device_float64"] < 1e-4 < row["bf16"] for row in logits["rows"])
    assert all(row["last_loss"] != row["first_loss"] for row in steps["rows"])
    (lrn,) = parts["lrn"]["tables"]
    assert all(row["ours_ms"] > row["bound_ms"] > 0 for row in lrn["rows"])
    assert all(row["difference"] < 1e-5 for row in lrn["rows"] if row["precision"] == "fp32")
    pipeline, stages = parts["pipeline"]["tables"]
    (row,) = pipeline["rows"]
    assert row["ratio"] == pytest.approx(row["end_to_end"] / row["in_memory"])
    assert len(row["epoch_rates"]) == 2
    assert all(stage["images_per_s"] > 0 for stage in stages["rows"])


def test_multiply_accumulates_by_hand() -> None:
    """conv1 to fc8 of `paper`: 55^2 * 96 * 363 and so on; conv1 has no gradient of the image."""
    convs = [55**2 * 96 * 363, 27**2 * 256 * 48 * 25, 13**2 * 384 * 256 * 9]
    convs += [13**2 * 384 * 192 * 9, 13**2 * 256 * 192 * 9]
    forward = sum(convs) + 9216 * 4096 + 4096 * 4096 + 4096 * 1000
    assert project.macs(project.build("paper")) == (forward, 3 * forward - convs[0])


def test_tables_are_aligned() -> None:
    table = Table(
        "Rates",
        [Column("name", "name"), Column("rate", "rate", ",.1f")],
        [{"name": "a"}, {"name": "long", "rate": 1234.56}, {"name": "b", "rate": "memory"}],
        ["A note."],
    )
    assert table.render().splitlines() == [
        "### Rates",
        "",
        "| name |    rate |",
        "|------|--------:|",
        "| a    |       – |",
        "| long | 1,234.6 |",
        "| b    |  memory |",
        "",
        "A note.",
    ]
    yes_or_no = Column("passed", "equal")
    assert [yes_or_no.cell({"passed": value}) for value in (True, False)] == ["yes", "NO"]


def test_the_time_is_divided_and_what_is_left_goes_on() -> None:
    clock = Clock()
    budget = Budget(100, {"a": 1, "b": 3, "c": 1}, clock)
    first = budget.deadline("a")
    assert first.left() == 20
    assert first.allows(19)
    assert not first.allows(20)
    clock.now = 4  # 96 are left for 3 + 1
    assert budget.deadline("b").left() == 72
    clock.now = 90
    assert budget.deadline("c").left() == 10
    clock.now = 120
    assert budget.left() == 0


def test_parts_without_time_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.run(tiny(), list(gpu.PARTS), 0.0, tmp_path / "gpu.json") == 0
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert list(report["parts"]) == list(gpu.PARTS)
    for name, result_ in report["parts"].items():
        assert result_["status"] == "skipped"
        assert result_["skipped"] == [f"all of {name}: no time left"]
    assert capsys.readouterr().out.count("no time left") == len(gpu.PARTS)


def test_measurements_without_time_are_named() -> None:
    """The time ends after the first of four measurements."""
    clock = Clock()

    def slow(*_: object) -> Any:
        def work() -> None:
            clock.now += 10

        return work

    result = Result()
    deadline = Deadline(25, clock)
    throughput._run("training", slow, tiny(), deadline, result)
    assert [record["status"] for record in result.records] == ["ok", *["skipped"] * 3]
    assert result.skipped == [
        "half, fp32, 4 images: no time left",
        "half, bf16, 2 images: no time left",
        "half, bf16, 4 images: no time left",
    ]
    assert result.status == "partly"
    assert "skipped" in result.render()


def allocate_too_much() -> torch.Tensor:
    return torch.empty(2**50)


def run_out_of_gpu_memory() -> None:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def run_out_of_workspace() -> None:
    raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`")


def run_out_of_host_memory() -> np.ndarray:
    return np.empty(2**50)


@pytest.mark.parametrize(
    "work",
    [allocate_too_much, run_out_of_gpu_memory, run_out_of_workspace, run_out_of_host_memory],
)
def test_too_little_memory_is_a_result(work: Any) -> None:
    result_ = measure.attempt(work)
    assert (result_.status, result_.value, result_.is_error) == ("out of memory", None, False)


def test_another_error_is_an_error() -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    result_ = measure.attempt(fail)
    assert result_.status == "RuntimeError: CUDA error: an illegal memory access was encountered"
    assert result_.is_error


def test_larger_batches_are_not_tried_after_memory_was_missing() -> None:
    def make(_network: object, _precision: str, images: int) -> Any:
        return allocate_too_much if images >= 4 else (lambda: None)

    result = Result()
    deadline = Deadline(float("inf"))
    few = tiny(batches=(2, 4, 8), precisions=("fp32",))
    throughput._run("training", make, few, deadline, result)
    assert [record["status"] for record in result.records] == [
        "ok",
        "out of memory",
        "out of memory (already with 4)",
    ]
    assert result.status == "done"
    assert "memory |" in result.render()


@pytest.mark.parametrize("what", ["logits", "steps"])
def test_values_that_differ_fail_the_benchmark(
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One weight of the second network is off; the first is the CPU's."""
    calls = []

    def open_inference_model(net: Any, arrays: dict[str, np.ndarray], device: Any) -> Any:
        calls.append(net)
        if len(calls) % 2 == 0:
            fc8 = arrays["fc8.weight"].copy()
            fc8[0] += 0.1
            arrays = {**arrays, "fc8.weight": fc8}
        return real(net, arrays, device)

    real = project.open_inference_model
    monkeypatch.setattr(project, "open_inference_model", open_inference_model)
    only = {"logits": equality._logits, "steps": equality._steps}
    for name in only:
        if name != what:
            monkeypatch.setattr(equality, f"_{name}", lambda *_: {"passed": True})
    assert gpu.run(tiny(), ["equality"], 60, tmp_path / "gpu.json") == 1
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["passed"] is False
    assert report["parts"]["equality"]["failures"] == [f"{what} of half differ from the CPU's"]
    out = capsys.readouterr().out
    assert f"FAILED: equality: {what} of half differ from the CPU's" in out
    assert "| NO" in out


def test_values_that_are_no_numbers_differ() -> None:
    off = equality.relative(np.array([np.nan, 1.0]), np.ones(2))
    assert not off <= equality.TOLERANCES["logits"]


def test_a_part_that_breaks_off_fails_and_the_next_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a driver of another age")

    monkeypatch.setitem(gpu.PARTS, "device", (broken, 1))
    assert gpu.run(tiny(), SOME, 60, tmp_path / "gpu.json") == 1
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["parts"]["device"]["failures"] == [
        "device broke off: ValueError: a driver of another age"
    ]
    assert report["parts"]["rates"]["tables"][0]["rows"]
    assert "a driver of another age" in capsys.readouterr().err


def test_failed_tests_fail_the_benchmark(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.gpu\ndef test_right(): pass\n"
        "@pytest.mark.gpu\ndef test_wrong(): assert 1 == 2\n"
        "@pytest.mark.gpu\ndef test_left_out(): pytest.skip('no such card')\n"
        "def test_other(): assert False\n"
    )
    (tests / "test_unmarked.py").write_text("import what_is_not_there\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu\nan_option_of_a_plugin = 3\n")
    own = dataclasses.replace(tiny(), root=tmp_path)
    result = Result()
    gpu_tests.run(own, Deadline(float("inf")), result)
    (row,) = result.tables[0].rows
    assert (row["passed"], row["failed"], row["skipped"]) == (1, 1, 1)
    assert result.skipped == ["1 tests: no such card"]
    assert len(result.failures) == 1
    assert "test_wrong" in result.failures[0]
    assert result.status == "failed"


def test_options(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 2
    assert "use --device cpu" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        gpu.main(["--parts", "everything"])
    arguments = ["--device", "cuda", "--quick", "--batches", "32", "--parts", "lrn"]
    options = gpu._options(arguments)
    scale = gpu._scale(options)
    assert (scale.name, scale.batches, options.parts) == ("quick", (32,), ["lrn"])
    assert gpu._scale(gpu._options(["--device", "cpu"])).name == "tiny"


def test_float32_is_set_back() -> None:
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [flag.allow_tf32 for flag in flags]
    for kind, expected in (("fp32", False), ("tf32", True)):
        with measure.float32_as(kind):
            assert [flag.allow_tf32 for flag in flags] == [expected, expected]
        assert [flag.allow_tf32 for flag in flags] == before
