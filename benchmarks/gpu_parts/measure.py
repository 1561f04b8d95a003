"""Time and memory of work on a device, and what happens when the memory is not enough."""

import gc
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from gpu_parts.budget import Deadline
from gpu_parts.scale import Scale

T = TypeVar("T")

OUT_OF_MEMORY = "out of memory"
_SAYS_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "ALLOC_FAILED",
    "NOT_ENOUGH_MEMORY",
)


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median of blocks of calls, and their range."""

    median: float
    low: float
    high: float
    blocks: int


def time_work(
    work: Callable[[], object], device: torch.device, scale: Scale, deadline: Deadline
) -> Timing:
    """Time calls that may still run on the device when they return.

    The first calls are not counted: they choose algorithms and allocate. At least one block is
    timed; more only while there is time.
    """
    for _ in range(scale.warmup):
        work()
    once = _block(work, 1, device)
    calls = max(math.ceil(scale.block_s / max(once, 1e-9)), 1)
    seconds: list[float] = []
    while not seconds or (len(seconds) < scale.repeats and deadline.allows(calls * once)):
        seconds.append(_block(work, calls, device) / calls)
    return Timing(statistics.median(seconds), min(seconds), max(seconds), len(seconds))


def _block(work: Callable[[], object], calls: int, device: torch.device) -> float:
    """Seconds for so many calls, by the device's own clock where it has one."""
    if device.type != "cuda":
        start = time.perf_counter()
        for _ in range(calls):
            work()
        return time.perf_counter() - start
    with torch.cuda.device(device):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        first.record()
        for _ in range(calls):
            work()
        last.record()
        last.synchronize()
    return first.elapsed_time(last) / 1e3


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """What work returned, or why it did not."""

    status: str
    """ok, out of memory, or the error in one line."""
    value: T | None = None

    @property
    def is_error(self) -> bool:
        """Whether it failed for another reason than too little memory."""
        return self.status not in ("ok", OUT_OF_MEMORY)


def attempt(work: Callable[[], T]) -> Attempt[T]:
    """Do the work; what it allocated is free again when it ran out of memory or failed."""
    try:
        return Attempt("ok", work())
    except Exception as error:
        status = OUT_OF_MEMORY if is_out_of_memory(error) else in_one_line(error)
    # Here, where the error and with it the frames that hold tensors are gone.
    free_memory()
    return Attempt(status)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was missing: of the GPU, of the host, or of a library's workspace."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(s.lower() in text for s in _SAYS_MEMORY)


def in_one_line(error: BaseException) -> str:
    """The class and the first line of the message."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def start_peak(device: torch.device) -> None:
    """Measure the peak memory from here on."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_gb(device: torch.device) -> float | None:
    """The most memory that tensors took since `start_peak`, 10^9 bytes; None on a CPU."""
    return torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None


@contextmanager
def float32_as(kind: str) -> Iterator[None]:
    """Compute float32 products as `fp32` (24 bits) or as `tf32` (11 bits) inside."""
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions recommend a newer name
        before = [backend.allow_tf32 for backend in backends]
        for backend in backends:
            backend.allow_tf32 = kind == "tf32"
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for backend, value in zip(backends, before, strict=True):
                backend.allow_tf32 = value
