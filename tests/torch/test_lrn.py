"""Local response normalization against the formula of the paper in float64, with gradients."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet.torch import LocalResponseNorm

from .. import oracle

PAPER = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}
# Constants with which the sum matters; with the paper's the denominator is nearly 2^0.75.
STRONG = {"size": 5, "alpha": 0.3, "beta": 0.75, "k": 1.0}


def random_maps(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, shape)


def check_against_oracle(x: np.ndarray, grad: np.ndarray, divided: bool, **constants: Any) -> None:
    norm = LocalResponseNorm(**constants, alpha_divided=divided)
    tensor = torch.from_numpy(x).requires_grad_()
    y = norm(tensor)
    y.backward(torch.from_numpy(grad))
    assert tensor.grad is not None
    expected = oracle.lrn(x, **constants, divided=divided)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12, atol=1e-14)
    expected = oracle.lrn_gradient(x, grad, **constants, divided=divided)
    np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 40])
def test_outputs_and_gradients_match_the_oracle(size: int, divided: bool) -> None:
    """Odd and even windows, and windows larger than the 7 channels."""
    x, grad = random_maps(3, 7, 4, 2, scale=2), random_maps(3, 7, 4, 2, seed=1)
    check_against_oracle(x, grad, divided, **(STRONG | {"size": size}))
    check_against_oracle(x, grad, divided, **(PAPER | {"size": size}))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3)),
    size=st.integers(1, 12),
    alpha=st.floats(0, 2),
    beta=st.one_of(st.just(0.75), st.floats(0, 2)),
    k=st.floats(0.5, 4),
    divided=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_outputs_and_gradients_match_the_oracle_for_any_constants(
    shape: tuple[int, ...],
    size: int,
    alpha: float,
    beta: float,
    k: float,
    divided: bool,
    seed: int,
) -> None:
    x, grad = random_maps(*shape, seed=seed), random_maps(*shape, seed=seed + 1)
    check_against_oracle(x, grad, divided, size=size, alpha=alpha, beta=beta, k=k)


def test_the_oracle_by_hand_and_by_central_differences() -> None:
    """Channels 1, 2, 3 with n 3, alpha 1, beta 1, k 1: 1/6, 2/15, 3/14."""
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    constants = {"size": 3, "alpha": 1.0, "beta": 1.0, "k": 1.0, "divided": False}
    by_hand = [1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)]
    assert oracle.lrn(x, **constants).ravel() == pytest.approx(by_hand)
    assert oracle.lrn(x, **(constants | {"divided": True})).ravel()[0] == pytest.approx(
        1 / (1 + 5 / 3)
    )
    grad, step = np.array([0.5, -1.0, 2.0]).reshape(1, 3, 1, 1), 1e-6
    for channel in range(3):
        moved = np.zeros_like(x)
        moved[0, channel] = step
        difference = oracle.lrn(x + moved, **constants) - oracle.lrn(x - moved, **constants)
        slope = (grad * difference).sum() / (2 * step)
        gradient = oracle.lrn_gradient(x, grad, **constants)[0, channel, 0, 0]
        assert gradient == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 9])
def test_gradcheck(size: int) -> None:
    x = torch.from_numpy(random_maps(2, 5, 2, 2)).requires_grad_()
    assert torch.autograd.gradcheck(LocalResponseNorm(**(STRONG | {"size": size})), (x,))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
def test_divided_alpha_matches_torch(size: int) -> None:
    constants = STRONG | {"size": size}
    x = torch.from_numpy(random_maps(2, 9, 3, 3))
    reference = torch.nn.LocalResponseNorm(**constants)
    torch.testing.assert_close(LocalResponseNorm(**constants, alpha_divided=True)(x), reference(x))
    undivided = torch.nn.LocalResponseNorm(**(constants | {"alpha": constants["alpha"] * size}))
    torch.testing.assert_close(LocalResponseNorm(**constants)(x), undivided(x))


def test_the_two_conventions_differ_by_the_size_in_alpha() -> None:
    x = torch.from_numpy(random_maps(1, 9, 2, 2, scale=50))
    by_formula = LocalResponseNorm(**PAPER)(x)
    by_program = LocalResponseNorm(**PAPER, alpha_divided=True)(x)
    assert (by_formula - by_program).abs().max() > 0.1
    five_times = LocalResponseNorm(**(PAPER | {"alpha": 5e-4}), alpha_divided=True)(x)
    torch.testing.assert_close(five_times, by_formula)


def test_the_memory_format_does_not_change_the_result() -> None:
    norm = LocalResponseNorm(**STRONG)
    x = torch.from_numpy(random_maps(4, 8, 5, 3))
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        own = x.clone(memory_format=layout).requires_grad_()
        y = norm(own)
        assert y.is_contiguous(memory_format=layout)
        (y * torch.from_numpy(random_maps(4, 8, 5, 3, seed=1))).sum().backward()
        results.append((y.detach(), own.grad))
    assert torch.equal(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-13, atol=1e-15)
    part = torch.from_numpy(random_maps(4, 16, 5, 6))[:, ::2, :, ::2]
    torch.testing.assert_close(norm(part), norm(part.contiguous()))


def test_an_empty_batch_is_valid() -> None:
    x = torch.zeros(0, 8, 3, 3, requires_grad=True)
    y = LocalResponseNorm(**PAPER)(x)
    y.sum().backward()
    assert y.shape == (0, 8, 3, 3)
    assert x.grad is not None
    assert x.grad.shape == (0, 8, 3, 3)


def test_images_of_a_batch_are_independent() -> None:
    norm, x = LocalResponseNorm(**STRONG), torch.from_numpy(random_maps(3, 6, 2, 2))
    assert torch.equal(norm(x), torch.cat([norm(x[i : i + 1]) for i in range(3)]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_differs_by_rounding_only(dtype: torch.dtype) -> None:
    """Squares of float16 values overflow float16."""
    x = torch.from_numpy(random_maps(2, 8, 3, 3, scale=300)).to(dtype).requires_grad_()
    grad = torch.from_numpy(random_maps(2, 8, 3, 3, seed=1)).to(dtype)
    y = LocalResponseNorm(**PAPER)(x)
    y.backward(grad)
    assert y.dtype == x.dtype
    assert x.grad is not None
    wide, wide_grad = x.detach().double().numpy(), grad.double().numpy()
    constants = PAPER | {"divided": False}
    eps = torch.finfo(dtype).eps
    expected = torch.from_numpy(oracle.lrn(wide, **constants))
    torch.testing.assert_close(y.detach().double(), expected, rtol=eps, atol=eps)
    expected = torch.from_numpy(oracle.lrn_gradient(wide, wide_grad, **constants))
    torch.testing.assert_close(x.grad.double(), expected, rtol=eps, atol=eps)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_matches_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), LocalResponseNorm(**PAPER))
    x = 1000 * torch.rand(2, 3, 8, 8)
    with torch.autocast("cpu", dtype):
        y = net(x)
        loss = y.float().square().mean()
    loss.backward()
    assert y.dtype == dtype
    torch.testing.assert_close(
        y.float(), net(x), rtol=0.02, atol=0.02 * float(y.detach().abs().max())
    )
    assert all(bool(p.grad.isfinite().all() and p.grad.abs().max() > 0) for p in net.parameters())


def test_repr_shows_the_constants() -> None:
    shown = repr(LocalResponseNorm(**PAPER, alpha_divided=True))
    assert shown == "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2.0, alpha_divided=True)"
