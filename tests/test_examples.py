"""The scripts and notebooks of `examples/`, in a tiny form, each in a process of its own."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alexnet import architecture, weights

from .images import red_and_blue

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
MAX_BYTES = 100_000

pytestmark = pytest.mark.slow
needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="needs alexnet[tensorflow] or alexnet[jax]"
)


def run(*arguments: object, **environment: str) -> str:
    """Run Python with these arguments and return what it printed; fail when it fails."""
    finished = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "MPLBACKEND": "Agg", "OMP_WAIT_POLICY": "PASSIVE", **environment},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def code_of(notebook: Path) -> str:
    """The code cells in order; a cell that ends in an expression discards its value."""
    cells = json.loads(notebook.read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_train_and_predict(tmp_path: Path) -> None:
    options = ("--epochs", 2, "--image-size", 63, "--output-dir", tmp_path / "run")
    out = run(EXAMPLES / "train_and_predict.py", red_and_blue(tmp_path / "data"), *options)
    assert "top-1" in out
    assert len(re.findall(r"\.png: (?:red|blue) [\d.]+%, (?:red|blue) [\d.]+%$", out, re.M)) == 10


def test_fine_tune_a_weights_file_of_torchvisions_layout(tmp_path: Path) -> None:
    tiny = {"widths": 8, "hidden": 16}
    file = tmp_path / "owt.safetensors"
    pretrained = weights.initial(architecture("owt", **tiny), seed=0)
    weights.write(pretrained, file, layout="indexed")
    data = red_and_blue(tmp_path / "data")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from finetune_torchvision_weights import fine_tune\n"
        "result = fine_tune(sys.argv[2], sys.argv[3], epochs=1, output_dir=sys.argv[4],"
        " changes={'widths': 8, 'hidden': 16})\n"
        "print(len(result.run.pretrained.loaded))"
    )
    out = run("-c", program, EXAMPLES, data, file, tmp_path / "run")
    assert out.split()[-1] == "14"  # all arrays of the network but the two of fc8


def test_fine_tune_offline_without_the_weights_is_one_line(tmp_path: Path) -> None:
    data = red_and_blue(tmp_path / "data")
    script = EXAMPLES / "finetune_torchvision_weights.py"
    finished = subprocess.run(
        [sys.executable, script, data, "--offline"], capture_output=True, text=True, cwd=tmp_path
    )
    assert finished.returncode == 1
    assert re.fullmatch(r"error: .*\n", finished.stderr)


@needs_keras
def test_keras_fit() -> None:
    out = run(EXAMPLES / "keras_fit.py", "--epochs", 1, "--width", 0.125)
    assert float(out.split()[-1]) < 1e-4


@pytest.mark.parametrize(
    "name", [pytest.param("learner", marks=needs_keras), pytest.param("practitioner")]
)
def test_notebook(name: str, tmp_path: Path) -> None:
    script = tmp_path / f"{name}.py"
    script.write_text(code_of(EXAMPLES / f"{name}.ipynb"))
    run(script, EXAMPLE_EPOCHS="1", TMPDIR=str(tmp_path))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_small_and_without_outputs(path: Path) -> None:
    assert path.stat().st_size < MAX_BYTES
    cells = json.loads(path.read_text())["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_the_readme_lists_every_example() -> None:
    listed = re.findall(r"^\| \[([\w.]+)\]\(\1\)", (EXAMPLES / "README.md").read_text(), re.M)
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert set(listed) == there
