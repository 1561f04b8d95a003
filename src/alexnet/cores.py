"""The number of CPU cores available to this process."""

import os


def available_cores() -> int:
    """Return the number of CPU cores that this process may use, honoring its CPU affinity."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
