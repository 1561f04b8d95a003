"""What a person sees of the backend's own log when they use the models in a program of theirs."""

import os
import subprocess
import sys

import pytest

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
USE = """
import os
before = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
from alexnet.keras import functional
functional("half", widths=4, hidden=4, image_size=63, num_classes=2)
assert before is None or os.environ["TF_CPP_MIN_LOG_LEVEL"] == before
"""


def said(backend: str, code: str, level: str | None = None) -> str:
    """What a new process writes on standard error."""
    environment = {name: value for name, value in os.environ.items() if name != LEVEL}
    environment |= {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    environment |= {} if level is None else {LEVEL: level}
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_our_import_is_quiet(backend: str) -> None:
    assert said(backend, USE) == ""


def test_who_wants_to_see_the_log_sees_it(backend: str) -> None:
    if backend != "tensorflow":
        pytest.skip("the log is TensorFlow's")
    assert "oneDNN" in said(backend, USE, level="0")


def test_who_imports_tensorflow_before_us_has_its_log(backend: str) -> None:
    if backend != "tensorflow":
        pytest.skip("the log is TensorFlow's")
    assert "oneDNN" in said(backend, "import tensorflow\n" + USE)
