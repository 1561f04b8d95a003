"""Random numbers are a function of (seed, epoch, sample, draw), uniform and independent."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from alexnet.data.rng import permutation, step_seed, uniforms

COUNT = 100_000
BOUND = 5 / np.sqrt(COUNT)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    return uniforms(0, 0, np.arange(COUNT), draws=10)


def test_uniforms_are_uniform(table: np.ndarray) -> None:
    assert table.shape == (COUNT, 10)
    assert table.min() >= 0
    assert table.max() < 1
    for column in table.T:
        assert stats.kstest(column[:20_000], "uniform").pvalue > 1e-4
        for power in (1, 2, 3, 4):
            expected = 1 / (power + 1)
            deviation = np.sqrt(1 / (2 * power + 1) - expected**2)
            assert abs((column**power).mean() - expected) < BOUND * deviation


def test_every_bit_is_balanced(table: np.ndarray) -> None:
    bits = (table[:, 0] * 2**53).astype(np.uint64)
    fractions = [((bits >> np.uint64(bit)) & np.uint64(1)).mean() for bit in range(53)]
    assert np.abs(np.array(fractions) - 0.5).max() < BOUND * 0.5


def test_draws_are_uncorrelated(table: np.ndarray) -> None:
    correlations = np.corrcoef(table.T) - np.eye(10)
    assert np.abs(correlations).max() < BOUND


@pytest.mark.parametrize("varied", ["sample", "epoch", "seed"])
def test_neighboring_samples_epochs_and_seeds_are_uncorrelated(varied: str) -> None:
    n = np.arange(COUNT)
    if varied == "sample":
        first, second = uniforms(3, 5, n, 1)[:, 0], uniforms(3, 5, n + 1, 1)[:, 0]
    elif varied == "epoch":
        first, second = uniforms(3, 5, n, 1)[:, 0], uniforms(3, 6, n, 1)[:, 0]
    else:
        first, second = uniforms(3, 5, n, 1)[:, 0], uniforms(4, 5, n, 1)[:, 0]
    assert abs(np.corrcoef(first, second)[0, 1]) < BOUND
    pairs, _, _ = np.histogram2d(first, second, bins=16, range=[[0, 1], [0, 1]])
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4


def test_epochs_and_seeds_of_one_sample_are_uniform() -> None:
    by_epoch = [uniforms(0, epoch, [17], 1)[0, 0] for epoch in range(3000)]
    by_seed = [uniforms(seed, 0, [17], 1)[0, 0] for seed in range(3000)]
    assert stats.kstest(by_epoch, "uniform").pvalue > 1e-4
    assert stats.kstest(by_seed, "uniform").pvalue > 1e-4


def test_all_numbers_differ() -> None:
    """Seed 1 in epoch 0 differs from seed 0 in epoch 1, and so on."""
    rows = [
        uniforms(seed, epoch, np.arange(12), draws=4).ravel()
        for seed, epoch in itertools.product(range(12), repeat=2)
    ]
    numbers = np.concatenate(rows)
    assert len(np.unique(numbers)) == numbers.size


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 2**31),
    samples=st.lists(st.integers(0, 2**62), min_size=1, max_size=6),
    draws=st.integers(1, 8),
)
def test_a_row_is_independent_of_other_samples_and_draws(
    seed: int, epoch: int, samples: list[int], draws: int
) -> None:
    rows = uniforms(seed, epoch, samples, draws)
    assert rows.shape == (len(samples), draws)
    for sample, row in zip(samples, rows, strict=True):
        assert np.array_equal(uniforms(seed, epoch, [sample], draws)[0], row)
        assert np.array_equal(uniforms(seed, epoch, [sample], draws + 3)[0, :draws], row)


def test_uniforms_without_samples() -> None:
    assert uniforms(0, 0, [], 3).shape == (0, 3)


def test_numbers_are_those_of_splitmix64() -> None:
    """SplitMix64 in Python's integers; the numbers must not change between versions."""

    def mix(bits: int) -> int:
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % 2**64
        return bits ^ (bits >> 31)

    golden = 0x9E3779B97F4A7C15
    for seed, epoch, sample, draw in [(0, 0, 0, 0), (1, 2, 3, 4), (2**64 - 1, 9, 10**9, 1)]:
        key = mix((seed + golden * (epoch + 1)) % 2**64)
        key = mix((key + golden * (sample + 1)) % 2**64)
        number = (mix((key + golden * (draw + 1)) % 2**64) >> 11) / 2**53
        assert uniforms(seed, epoch, [sample], draw + 1)[0, draw] == number


@given(seed=st.integers(0, 2**64), epoch=st.integers(0, 10_000), count=st.integers(0, 300))
def test_permutation_is_a_permutation(seed: int, epoch: int, count: int) -> None:
    order = permutation(seed, epoch, count)
    assert sorted(order.tolist()) == list(range(count))
    assert np.array_equal(order, permutation(seed, epoch, count))


def test_permutations_differ_and_are_uniform() -> None:
    orders = [permutation(seed, epoch, 10) for seed in range(40) for epoch in range(50)]
    positions = np.array([np.argsort(order) for order in orders])
    for sample in range(10):
        assert stats.chisquare(np.bincount(positions[:, sample], minlength=10)).pvalue > 1e-4
    assert not np.array_equal(permutation(0, 0, 50), permutation(0, 1, 50))
    assert not np.array_equal(permutation(0, 1, 50), permutation(1, 0, 50))


def test_step_seeds_are_distinct_integers() -> None:
    seeds = [step_seed(s, e, n) for s, e, n in itertools.product(range(10), repeat=3)]
    assert len(set(seeds)) == 1000
    assert all(isinstance(seed, int) and 0 <= seed < 2**53 for seed in seeds)
