"""Local response normalization in Keras against a float64 reference of the paper's formula."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .. import oracle

PAPER = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}
# Constants with a denominator that matters; with the paper's it is close to 2^0.75.
STRONG = {"size": 5, "alpha": 0.3, "beta": 0.75, "k": 1.0}
FORMATS = ("channels_last", "channels_first")


def feature_maps(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


def check(
    gradients: Callable[..., Any],
    x: np.ndarray,
    upstream: np.ndarray,
    data_format: str,
    **options: Any,
) -> None:
    """Compare outputs and gradients with the oracle; `x` and `upstream` are (N, C, H, W)."""
    from alexnet.keras import LocalResponseNorm

    norm = LocalResponseNorm(**options, data_format=data_format)
    from_nchw = (0, 1, 2, 3) if data_format == "channels_first" else (0, 2, 3, 1)
    to_nchw = (0, 1, 2, 3) if data_format == "channels_first" else (0, 3, 1, 2)
    y, gradient = gradients(norm, x.transpose(from_nchw), upstream.transpose(from_nchw))
    constants = {("divided" if k == "alpha_divided" else k): v for k, v in options.items()}
    wide, wide_upstream = x.astype(np.float64), upstream.astype(np.float64)
    expected = oracle.lrn(wide, **constants)
    np.testing.assert_allclose(y.transpose(to_nchw), expected, rtol=2e-5, atol=1e-6)
    expected = oracle.lrn_gradient(wide, wide_upstream, **constants)
    np.testing.assert_allclose(gradient.transpose(to_nchw), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 16])
def test_outputs_and_gradients_match_the_oracle(
    gradients: Any, size: int, divided: bool, data_format: str
) -> None:
    """Odd and even sizes, and sizes beyond the 7 channels."""
    x, upstream = feature_maps(3, 7, 4, 2, scale=2), feature_maps(3, 7, 4, 2, seed=1)
    for constants in (STRONG, PAPER):
        options = constants | {"size": size, "alpha_divided": divided}
        check(gradients, x, upstream, data_format, **options)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3)),
    size=st.integers(1, 12),
    alpha=st.floats(0, 2),
    beta=st.one_of(st.just(0.75), st.floats(0, 2)),
    k=st.floats(0.5, 4),
    divided=st.booleans(),
    data_format=st.sampled_from(FORMATS),
)
def test_any_constants_match_the_oracle(
    gradients: Any, shape: Any, data_format: str, divided: bool, **constants: Any
) -> None:
    x, upstream = feature_maps(*shape), feature_maps(*shape, seed=1)
    check(gradients, x, upstream, data_format, alpha_divided=divided, **constants)


def test_matches_tensorflow_with_the_window_as_radius(backend: str) -> None:
    """`tf.nn.local_response_normalization` sums over 2 * depth_radius + 1 and does not divide."""
    if backend != "tensorflow":
        pytest.skip("compares with TensorFlow's implementation")
    import tensorflow as tf

    from alexnet.keras import LocalResponseNorm

    x = feature_maps(2, 5, 5, 16, scale=30)
    actual = LocalResponseNorm(**PAPER, data_format="channels_last")(x)
    expected = tf.nn.local_response_normalization(x, depth_radius=2, bias=2, alpha=1e-4, beta=0.75)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_half_precision_does_not_overflow() -> None:
    """In float16 the square of 300 overflows; the result must not."""
    from alexnet.keras import LocalResponseNorm

    norm = LocalResponseNorm(**STRONG, dtype="float16", data_format="channels_last")
    x = np.full((1, 1, 1, 8), 300, np.float16)
    expected = oracle.lrn(x.transpose(0, 3, 1, 2).astype(np.float64), **STRONG, divided=False)
    actual = np.asarray(norm(x)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(actual, expected, rtol=2e-3)
