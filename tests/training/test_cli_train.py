"""`alexnet train` as a person types it: what it says, its exit status, its files."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexnet.config.hyperparameters import RECIPES, Recipe
from alexnet.settings import fields
from alexnet.spec.catalog import variants

SMALL = ["--set", "widths=8", "--set", "hidden=16", "--image-size", "63", "--batch-size", "8"]


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flat folder of two classes, which training splits itself: upright and level stripes."""
    root = tmp_path_factory.mktemp("data") / "条纹 stripes"
    generator = np.random.default_rng(1)
    for name in ("upright", "level"):
        (root / name).mkdir(parents=True)
        for number in range(40):
            pixels = generator.integers(0, 100, (64, 64, 3))
            phase = int(generator.integers(0, 8))
            pixels[:, (np.arange(64) + phase) // 8 % 2 == 0] += 150
            if name == "level":
                pixels = pixels.swapaxes(0, 1)
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number}.png")
    return root


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "alexnet", *map(str, arguments)]


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=200)


def results(folder: Path) -> dict[str, bytes]:
    names = ("best.safetensors", "last.safetensors", "metrics.csv")
    return {name: (folder / name).read_bytes() for name in names}


@pytest.mark.slow
def test_train_says_what_it_does(stripes: Path, tmp_path: Path) -> None:
    done = run("train", stripes, *SMALL, "--epochs", "2", "--output-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(re.match(r"\d+ training and \d+ validation images, 2", x) for x in lines)
    assert any("parameters; about" in line for line in lines)
    assert sum(bool(re.match(r" +[12] +\S+ +\S+ +\S+%", line)) for line in lines) == 2
    assert re.search(r"Best epoch [12]: top-1 \d+\.\d% of \d+ validation images", done.stdout)
    assert re.search(r"^Diagnosis: \w+", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


@pytest.mark.slow
def test_without_an_output_folder_the_run_goes_under_runs(
    stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("train", stripes, *SMALL, "--epochs", "1")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("条纹 stripes-half")
    assert str(Path("runs") / folder.name) in done.stdout


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(
    stripes: Path, tmp_path: Path
) -> None:
    options = [*SMALL, "--epochs", "8"]
    whole = run("train", stripes, *options, "--output-dir", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    killed = tmp_path / "killed"
    arguments = command("train", stripes, *options, "--output-dir", killed)
    waits_s = iter([0.3, 0.7, 0.05])
    for wait_s in waits_s:
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        # A moment after the folder says that training is under way.
        marker = killed / ("metrics.csv" if wait_s > 0.1 else "run.json")
        before = marker.stat().st_mtime_ns if marker.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if marker.exists() and (marker.stat().st_mtime_ns != before or wait_s < 0.1):
                break
            time.sleep(0.005)
        time.sleep(wait_s)
        process.kill()
        process.wait()
        arguments = command("train", "--resume", killed)
    done = run("train", "--resume", killed)
    assert done.returncode == 0, done.stderr
    assert results(killed) == results(tmp_path / "whole")
    assert not [path.name for path in killed.iterdir() if "partial" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("again_after_s", [None, 0.0, 0.1, 0.3])
def test_ctrl_c_saves_and_says_how_to_go_on(
    stripes: Path, tmp_path: Path, again_after_s: float | None
) -> None:
    folder = tmp_path / "my run"
    process = subprocess.Popen(
        command("train", stripes, *SMALL, "--epochs", "500", "--output-dir", folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r" +2 ", line):
            break
    process.send_signal(signal.SIGINT)
    if again_after_s is not None:
        time.sleep(again_after_s)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"alexnet train --resume '{folder}'" in out
    assert "Traceback" not in err
    assert (folder / "checkpoint.safetensors").exists()
    assert (folder / "curves.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("is_on_path", [True, False])
def test_how_to_go_on_names_the_program_as_it_can_be_started(
    is_on_path: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in a folder with a blank; the line that it prints calls it again."""
    script = tmp_path / "my env" / "alexnet"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\nfrom alexnet.cli.training_display import program\nprint(program())\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent) if is_on_path else "/nowhere")
    done = subprocess.run([script], capture_output=True, text=True, cwd=script.parent)
    assert done.stdout == ("alexnet\n" if is_on_path else f"'{script}'\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train"], "missing argument DATA"),
        (["train", "no/such/place"], "no/such/place"),
        (["train", "digits", "--variant", "hlaf"], "did you mean 'half'"),
        (["train", "digits", "--recipe", "slow"], "fast, tutorial, paper"),
        (["train", "digits", "--lr", "fast"], "--lr"),
        (["train", "digits", "--lr", "-1"], "invalid value for lr: expected at least 0"),
        (["train", "digits", "--epochs", "0"], "invalid value for epochs: expected at least 1"),
        (["train", "digits", "--set", "nrom=lrn"], "did you mean 'norm'"),
        (["train", "digits", "--set", "norm"], "FIELD=VALUE"),
        (["train", "digits", "--image-size", "20"], "the minimum image_size is 63"),
        (["train", "digits", "--device", "cuda:7"], "'cuda:7' is not available"),
        (["train", "digits", "--set", "num_classes=3"], "digits has 10 classes"),
        (["train", "digits", "--set", "in_channels=2"], "expected 3 (RGB) or 1 (gray), got 2"),
        (["train", "--resume", "no/such/run"], "no such run: no/such/run"),
        (
            ["train", "digits", "--resume", "no/such/run"],
            "uses the settings that the run started with",
        ),
        (["train", "--config", "missing.toml"], "missing.toml cannot be read"),
        (["trian", "digits"], "No such command 'trian'"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("group", [[], ["cache"], ["show"]])
def test_without_a_command_the_help_is_shown(group: list[str]) -> None:
    result = run(*group)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == run(*group, "--help").stdout
    assert "Usage: " in result.stdout


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in run("train", "no/such/place", "--debug").stderr


@pytest.mark.slow
def test_settings_from_a_file_and_from_a_run(stripes: Path, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f"data = '{stripes}'\nvariant = 'half'\nepochs = 2\nbatch_size = 8\nlr = 0.001\n"
        "image_size = 63\n[architecture]\nwidths = 8\nhidden = [16, 12]\n",
        encoding="utf-8",
    )
    done = run("train", "--config", config, "--epochs", "1", "--output-dir", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "a/run.json").read_text()
    assert '"lr": 0.001' in text
    assert '"epochs": 1' in text
    again = run("train", "--config", tmp_path / "a/run.json", "--output-dir", tmp_path / "b")
    assert again.returncode == 0, again.stderr
    assert (
        results(tmp_path / "a")["best.safetensors"] == results(tmp_path / "b")["best.safetensors"]
    )
    config.write_text("epohcs = 2\n")
    done = run("train", stripes, "--config", config)
    assert done.returncode == 2
    assert "did you mean 'epochs'" in done.stderr


def test_help_loads_no_framework() -> None:
    code = "import sys; sys.argv[1:] = ['--help']\nfrom alexnet.cli.main import main\n"
    code += "try:\n    main()\nexcept SystemExit: pass\n"
    code += "print([n for n in ('torch', 'numpy', 'matplotlib', 'cv2') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in ("train", "evaluate", "predict", "check", "cache"):
        assert name in done.stdout


def test_a_build_without_cuda_is_known_before_pytorch_is_imported() -> None:
    code = "import sys\nfrom alexnet.backends import check_device\n"
    code += "try:\n    check_device('cuda:7')\nexcept ValueError as e: print(e)\n"
    code += "was_imported = 'torch' in sys.modules\nimport torch\n"
    code += "print(was_imported, torch.version.cuda or torch.version.hip)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    message, end = done.stdout.splitlines()
    assert "'cuda:7' is not available" in message
    was_imported, cuda = end.split()
    assert (was_imported == "True") == (cuda != "None")


@pytest.mark.parametrize("name", ["train", "evaluate", "predict", "check"])
def test_help_can_be_read_on_a_terminal_of_80_columns(name: str) -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command(name, "--help"), capture_output=True, text=True, env=environment)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in done.stdout.replace("RUN/evaluation/…", "")
    if name == "train":
        words = set(re.findall(r"[\w-]+", done.stdout))
        assert {*variants(), *RECIPES} <= words
        assert {choice for f in fields(Recipe) for choice in f.metadata["choices"] or ()} <= words


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_cannot_be_made(stripes: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    done = run("train", stripes, *SMALL, "--output-dir", tmp_path / "closed/run")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_run_that_has_ended_is_looked_through(stripes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = run("train", stripes, *SMALL, "--epochs", "1", "--output-dir", folder)
    assert done.returncode == 0, done.stderr
    again = run("train", "--resume", folder)
    assert again.returncode == 0
    assert "has already finished" in again.stdout
    last = folder / "last.safetensors"
    whole = last.read_bytes()
    last.write_bytes(whole[:-50])
    damaged = run("train", "--resume", folder)
    last.unlink()
    missing = run("train", "--resume", folder)
    for result in (damaged, missing):
        assert result.returncode == 2
        (line,) = result.stderr.splitlines()
        assert "last.safetensors" in line
        assert f"alexnet train --config {folder / 'run.json'}" in line
    assert not last.exists()
