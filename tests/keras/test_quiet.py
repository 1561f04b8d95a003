"""The log output of the Keras backend when a user's program imports alexnet.keras."""

import os
import subprocess
import sys

import pytest

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
BUILD_A_MODEL = """
import os
before = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
from alexnet.keras import functional
functional("half", widths=4, hidden=4, image_size=63, num_classes=2)
assert before is None or os.environ["TF_CPP_MIN_LOG_LEVEL"] == before
"""


def run_and_read_stderr(backend: str, code: str, level: str | None = None) -> str:
    """Run code in a new process and return its standard error."""
    environment = {name: value for name, value in os.environ.items() if name != LEVEL}
    environment |= {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    environment |= {} if level is None else {LEVEL: level}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert result.returncode == 0, result.stderr
    return result.stderr


@pytest.mark.slow
def test_import_logs_nothing(backend: str) -> None:
    assert run_and_read_stderr(backend, BUILD_A_MODEL) == ""


def test_log_level_of_the_user_is_respected(backend: str) -> None:
    if backend != "tensorflow":
        pytest.skip("only TensorFlow logs on import")
    assert "oneDNN" in run_and_read_stderr(backend, BUILD_A_MODEL, level="0")


@pytest.mark.slow
def test_log_of_tensorflow_imported_first_is_kept(backend: str) -> None:
    if backend != "tensorflow":
        pytest.skip("only TensorFlow logs on import")
    assert "oneDNN" in run_and_read_stderr(backend, "import tensorflow\n" + BUILD_A_MODEL)
