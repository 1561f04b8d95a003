"""Start Keras on a backend, once per process and without TensorFlow's startup messages.

Keras fixes its backend when it is imported, so all of this happens before the import.
"""

import contextlib
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from alexnet.cores import available_cores
from alexnet.errors import UserError
from alexnet.text import install_command

_BACKEND_VARIABLE = "KERAS_BACKEND"

_LOG_LEVEL_VARIABLE = "TF_CPP_MIN_LOG_LEVEL"

_GPUS = {"cuda": "gpu", "gpu": "gpu"}


def check_installed(backend: str) -> None:
    """Raise `UserError` with the install command if the backend is not installed."""
    missing = [name for name in (backend, "keras") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the backend {backend} is not installed ({' and '.join(missing)} not found); "
            f"{install_command(backend)}"
        )


def start(backend: str, device: str = "auto") -> Any:
    """Import Keras on `tensorflow` or `jax`, select a device, and return the `keras` module.

    Args:
        device: `auto` (a GPU if available), `cpu`, `cuda` or `cuda:1`.

    Raises:
        UserError: the backend is not installed, `KERAS_BACKEND` names another one or Keras
            already runs on another one in this process, or the device is not available.
    """
    check_installed(backend)
    chosen = os.environ.get(_BACKEND_VARIABLE)
    if chosen not in (None, "", backend):
        raise UserError(
            f"{_BACKEND_VARIABLE}={chosen} conflicts with the backend {backend}; unset "
            f"{_BACKEND_VARIABLE}, or use --backend {chosen}"
        )
    os.environ[_BACKEND_VARIABLE] = backend
    with quiet_start():
        keras = importlib.import_module("keras")
        importlib.import_module(backend)
        gpus = _gpus(backend)
    running = keras.backend.backend()
    if running != backend:
        raise UserError(
            f"Keras already runs on {running} in this process and cannot switch to {backend}; "
            "start a new process"
        )
    _use_device(backend, device, gpus)
    return keras


def import_keras() -> None:
    """Import Keras on the backend that Keras is configured for, without startup messages.

    TensorFlow searches for GPUs on first use and warns if there are none, so the search is
    triggered here.
    """
    with quiet_start():
        keras = importlib.import_module("keras")
        if keras.backend.backend() == "tensorflow":
            _gpus("tensorflow")


def threads(backend: str) -> int:
    """Return the number of CPU threads that the backend uses."""
    if backend == "tensorflow":
        import tensorflow

        configured: int = tensorflow.config.threading.get_intra_op_parallelism_threads()
        return configured or available_cores()
    return available_cores()


def set_threads(backend: str, count: int) -> None:
    """Set the number of CPU threads, where the backend still allows it."""
    if backend == "tensorflow":
        import tensorflow

        # TensorFlow cannot change it after its first operation.
        with contextlib.suppress(RuntimeError):
            tensorflow.config.threading.set_intra_op_parallelism_threads(count)


def is_bf16_faster(backend: str) -> bool:
    """Return whether training is faster in bf16 than in float32 on the backend's device.

    On CPUs with bf16 instructions this holds for oneDNN, which TensorFlow uses. XLA was measured
    to be slower in bf16 than in float32.
    """
    if _gpus(backend):
        return True
    return backend == "tensorflow" and _cpu_has("avx512_bf16", "amx_bf16")


def _use_device(backend: str, device: str, gpus: list[Any]) -> None:
    """Select the default device.

    Raises:
        UserError: the device is not available.
    """
    kind, _, number = device.partition(":")
    is_gpu = bool(gpus) if device == "auto" else kind in _GPUS
    index = int(number) if number.isdecimal() else 0
    is_valid = device in ("auto", "cpu") or (kind in _GPUS and (not number or number.isdecimal()))
    if not is_valid or (is_gpu and index >= len(gpus)):
        available = ["cpu", *(f"cuda:{i}" for i in range(len(gpus)))]
        raise UserError(
            f"device {device!r} is not available to {backend}; choose from {', '.join(available)}"
        )
    if backend == "tensorflow":
        _set_tensorflow_gpus(gpus[index : index + 1] if is_gpu else [])
    else:
        import jax

        selected = gpus[index] if is_gpu else jax.devices("cpu")[0]
        jax.config.update("jax_default_device", selected)  # type: ignore[no-untyped-call]


def _gpus(backend: str) -> list[Any]:
    if backend == "tensorflow":
        import tensorflow

        gpus: list[Any] = tensorflow.config.list_physical_devices("GPU")
        return gpus
    import jax

    try:
        return list(jax.devices("gpu"))
    except RuntimeError:  # raised when there is none
        return []


def _set_tensorflow_gpus(gpus: list[Any]) -> None:
    """Make only these GPUs visible to TensorFlow, with memory growth."""
    import tensorflow

    try:
        tensorflow.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        raise UserError(
            "TensorFlow already uses other devices in this process; start a new process"
        ) from error


def _cpu_has(*features: str) -> bool:
    """Return whether the CPU has one of these Linux feature flags; False on other systems."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return False
    return not set(features).isdisjoint(flags)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Hide TensorFlow's C++ log messages while it is imported, unless the import fails.

    They are not hidden if TF_CPP_MIN_LOG_LEVEL is set or TensorFlow is already imported.
    """
    if _LOG_LEVEL_VARIABLE in os.environ or "tensorflow" in sys.modules:
        yield
        return
    os.environ[_LOG_LEVEL_VARIABLE] = "2"
    try:
        with _buffered_stderr():
            yield
    finally:
        # TensorFlow has read it; child processes must not inherit it.
        del os.environ[_LOG_LEVEL_VARIABLE]


@contextlib.contextmanager
def _buffered_stderr() -> Iterator[None]:
    """Buffer standard error, including output of C code; print it if an exception is raised."""
    if sys.stderr is None:  # as in pythonw
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as buffer:
        saved = os.dup(2)
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        except BaseException:
            buffer.seek(0)
            with os.fdopen(os.dup(saved), "wb") as stderr:
                shutil.copyfileobj(buffer, stderr)
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
