"""Starts Keras on the backend that is asked for: once in a process, and quietly.

Keras chooses its backend when it is imported, so everything here is done before that.
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

from alexnet.errors import UserError
from alexnet.text import how_to_install

_CHOICE = "KERAS_BACKEND"
"""Keras' own environment variable."""

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"

_GPUS = {"cuda": "gpu", "gpu": "gpu"}


def check_installed(backend: str) -> None:
    """Raise UserError that names the extra to install when the backend is not there."""
    missing = [name for name in (backend, "keras") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the backend {backend} is not installed ({' and '.join(missing)} not found); "
            f"{how_to_install(backend)}"
        )


def start(backend: str, device: str = "auto") -> Any:
    """Import Keras on `tensorflow` or `jax`, on a device, and return its module.

    Args:
        device: `auto` takes a GPU if there is one; `cpu`, `cuda` or `cuda:1`.

    Raises:
        UserError: the backend is not installed, `KERAS_BACKEND` or an earlier choice in this
            process says another one, or there is no such device.
    """
    check_installed(backend)
    chosen = os.environ.get(_CHOICE)
    if chosen not in (None, "", backend):
        raise UserError(
            f"{_CHOICE}={chosen} is set, and this is to be computed with {backend}: "
            f"unset {_CHOICE}, or choose --backend {chosen}"
        )
    os.environ[_CHOICE] = backend
    with quiet_start():
        keras = importlib.import_module("keras")
        importlib.import_module(backend)
        gpus = _gpus(backend)
    running = keras.backend.backend()
    if running != backend:
        raise UserError(
            f"Keras runs on {running} in this process already, and cannot change to {backend}: "
            "start another process"
        )
    _use_device(backend, device, gpus)
    return keras


def import_keras() -> None:
    """Import Keras on the backend that its own settings name, quietly.

    TensorFlow looks for GPUs when it first computes, and complains where it finds none: so it is
    made to look here.
    """
    with quiet_start():
        keras = importlib.import_module("keras")
        if keras.backend.backend() == "tensorflow":
            _gpus("tensorflow")


def threads(backend: str) -> int:
    """Threads with which the backend computes on this CPU."""
    if backend == "tensorflow":
        import tensorflow

        chosen: int = tensorflow.config.threading.get_intra_op_parallelism_threads()
        return chosen or _cores()
    return _cores()


def use_threads(backend: str, count: int) -> None:
    """Compute with so many threads, as far as the backend can still change that."""
    if backend == "tensorflow":
        import tensorflow

        # Once TensorFlow has computed something, it keeps what it began with.
        with contextlib.suppress(RuntimeError):
            tensorflow.config.threading.set_intra_op_parallelism_threads(count)


def multiplies_bf16(backend: str) -> bool:
    """Whether training with bf16 is faster than with float32 where the backend computes.

    On a CPU oneDNN's kernels, which TensorFlow uses, are where it has such instructions; XLA's
    are not, and were measured slower than in float32.
    """
    if _gpus(backend):
        return True
    return backend == "tensorflow" and _cpu_has("avx512_bf16", "amx_bf16")


def _use_device(backend: str, device: str, gpus: list[Any]) -> None:
    """Compute on this device from now on.

    Raises:
        UserError: no such device here.
    """
    kind, _, number = device.partition(":")
    is_gpu = bool(gpus) if device == "auto" else kind in _GPUS
    index = int(number) if number.isdecimal() else 0
    known = device in ("auto", "cpu") or (kind in _GPUS and (not number or number.isdecimal()))
    if not known or (is_gpu and index >= len(gpus)):
        here = ["cpu", *(f"cuda:{i}" for i in range(len(gpus)))]
        raise UserError(
            f"device {device!r} is not on this machine for {backend}; it has {', '.join(here)}"
        )
    if backend == "tensorflow":
        _show_tensorflow(gpus[index : index + 1] if is_gpu else [])
    else:
        import jax

        chosen = gpus[index] if is_gpu else jax.devices("cpu")[0]
        jax.config.update("jax_default_device", chosen)  # type: ignore[no-untyped-call]


def _gpus(backend: str) -> list[Any]:
    if backend == "tensorflow":
        import tensorflow

        found: list[Any] = tensorflow.config.list_physical_devices("GPU")
        return found
    import jax

    try:
        return list(jax.devices("gpu"))
    except RuntimeError:  # JAX's way to say that there is none
        return []


def _show_tensorflow(gpus: list[Any]) -> None:
    """Let TensorFlow see these GPUs and no others, and take their memory as it needs it."""
    import tensorflow

    try:
        tensorflow.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        raise UserError(
            "TensorFlow computes on other devices in this process already: start another process"
        ) from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_has(*features: str) -> bool:
    """Whether the processor has one of these, as Linux calls them; elsewhere unknown, so no."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return False
    return not set(features).isdisjoint(flags)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Keep back what TensorFlow's C++ part writes while it loads, unless loading fails.

    Nothing is kept back where the person says by TF_CPP_MIN_LOG_LEVEL what they want to see, or
    where TensorFlow was there before us.
    """
    if _LOG_LEVEL in os.environ or "tensorflow" in sys.modules:
        yield
        return
    os.environ[_LOG_LEVEL] = "2"
    try:
        with _held_stderr():
            yield
    finally:
        # TensorFlow has read it; a process that is started from here shall take its own choice.
        del os.environ[_LOG_LEVEL]


@contextlib.contextmanager
def _held_stderr() -> Iterator[None]:
    """Keep back what is written to standard error, by C too; it comes out when an error does."""
    if sys.stderr is None:  # a program without one, as pythonw is
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            with os.fdopen(os.dup(saved), "wb") as stderr:
                shutil.copyfileobj(held, stderr)
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
