"""Local response normalization in Keras against the paper's sum in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .. import oracle

PAPER = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}
# Constants that make the denominator matter; the paper's differ from 2^0.75 by little.
STRONG = {"size": 5, "alpha": 0.3, "beta": 0.75, "k": 1.0}
FORMATS = ("channels_last", "channels_first")


def maps(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


def check(
    gradients: Callable[..., Any], x: np.ndarray, upstream: np.ndarray, form: str, **own: Any
) -> None:
    """`x` and `upstream` are (N, C, H, W)."""
    from alexnet.keras import LocalResponseNorm

    norm = LocalResponseNorm(**own, data_format=form)
    into = (0, 1, 2, 3) if form == "channels_first" else (0, 2, 3, 1)
    back = (0, 1, 2, 3) if form == "channels_first" else (0, 3, 1, 2)
    y, gradient = gradients(norm, x.transpose(into), upstream.transpose(into))
    constants = {("divided" if k == "alpha_divided" else k): v for k, v in own.items()}
    wide, wide_upstream = x.astype(np.float64), upstream.astype(np.float64)
    expected = oracle.lrn(wide, **constants)
    np.testing.assert_allclose(y.transpose(back), expected, rtol=2e-5, atol=1e-6)
    expected = oracle.lrn_gradient(wide, wide_upstream, **constants)
    np.testing.assert_allclose(gradient.transpose(back), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 16])
def test_outputs_and_gradients(gradients: Any, size: int, divided: bool, form: str) -> None:
    """Odd and even windows, and windows wider than the 7 channels."""
    x, upstream = maps(3, 7, 4, 2, scale=2), maps(3, 7, 4, 2, seed=1)
    for constants in (STRONG, PAPER):
        own = constants | {"size": size, "alpha_divided": divided}
        check(gradients, x, upstream, form, **own)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3)),
    size=st.integers(1, 12),
    alpha=st.floats(0, 2),
    beta=st.one_of(st.just(0.75), st.floats(0, 2)),
    k=st.floats(0.5, 4),
    divided=st.booleans(),
    form=st.sampled_from(FORMATS),
)
def test_any_constants(
    gradients: Any, shape: Any, form: str, divided: bool, **constants: Any
) -> None:
    x, upstream = maps(*shape), maps(*shape, seed=1)
    check(gradients, x, upstream, form, alpha_divided=divided, **constants)


def test_it_is_tensorflows_with_half_the_window(backend: str) -> None:
    """`tf.nn.local_response_normalization` sums over 2 * depth_radius + 1 and does not divide."""
    if backend != "tensorflow":
        pytest.skip("compares with TensorFlow's own")
    import tensorflow as tf

    from alexnet.keras import LocalResponseNorm

    x = maps(2, 5, 5, 16, scale=30)
    ours = LocalResponseNorm(**PAPER, data_format="channels_last")(x)
    theirs = tf.nn.local_response_normalization(x, depth_radius=2, bias=2, alpha=1e-4, beta=0.75)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_half_precision_does_not_overflow() -> None:
    """In float16 the square of 300 is infinite; the result is not."""
    from alexnet.keras import LocalResponseNorm

    norm = LocalResponseNorm(**STRONG, dtype="float16", data_format="channels_last")
    x = np.full((1, 1, 1, 8), 300, np.float16)
    expected = oracle.lrn(x.transpose(0, 3, 1, 2).astype(np.float64), **STRONG, divided=False)
    found = np.asarray(norm(x)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found, expected, rtol=2e-3)
