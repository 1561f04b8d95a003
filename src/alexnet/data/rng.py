"""Counter-based random numbers: a function of (seed, epoch, sample, draw).

There is no state to carry between steps, so a run can resume from any step, and every backend
and device sees the same crops of the same images in the same order.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def uniforms(
    seed: int, epoch: int, samples: Sequence[int] | NDArray[np.int64], draws: int
) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1), one row of `draws` for each sample.

    A row does not depend on the other samples in the call.

    Example:
        >>> rows = uniforms(0, 3, [7, 8], draws=2)
        >>> rows.shape, bool((rows[1] == uniforms(0, 3, [8], draws=2)[0]).all())
        ((2, 2), True)
    """
    key = np.full((1, 1), seed % 2**64, np.uint64)
    for part in (np.uint64(epoch), np.asarray(samples, np.uint64)[:, None]):
        key = _mix(key + _GOLDEN * np.atleast_1d(part + np.uint64(1)))
    bits = _mix(key + _GOLDEN * np.arange(1, draws + 1, dtype=np.uint64))
    numbers: NDArray[np.float64] = (bits >> np.uint64(11)) * 2.0**-53
    return numbers


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of `count` samples in an epoch."""
    return np.random.Generator(np.random.Philox([seed, epoch])).permutation(count)


def step_seed(seed: int, epoch: int, step: int) -> int:
    """Return the seed of a framework's own random numbers in one step, such as dropout."""
    return int(uniforms(seed, epoch, [step], draws=1)[0, 0] * 2**53)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    mixed: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed
