"""Updates of the optimizers against their formulas in NumPy."""

import numpy as np
import pytest
import torch

from alexnet.torch.optimizers import SGD2012, optimizer

RATES = (0.1, 0.1, 0.01, 0.01, 0.001)
MOMENTUM, DECAY = 0.9, 0.0005
START = np.array([[1.0, -2.0], [0.5, 3.0]])


def gradient(w: np.ndarray) -> np.ndarray:
    return np.cos(w) + w


def apply_steps(optimizer: torch.optim.Optimizer, w: torch.Tensor) -> np.ndarray:
    for rate in RATES:
        for group in optimizer.param_groups:
            group["lr"] = rate
        w.grad = torch.from_numpy(gradient(w.detach().numpy()))
        optimizer.step()
    return w.detach().numpy()


def test_sgd_2012_across_a_drop_of_the_learning_rate() -> None:
    """v := 0.9 v - 0.0005 lr w - lr grad; w := w + v, with the rate inside v."""
    expected, v = START.copy(), np.zeros_like(START)
    for rate in RATES:
        v = MOMENTUM * v - DECAY * rate * expected - rate * gradient(expected)
        expected = expected + v
    w = torch.from_numpy(START.copy()).requires_grad_()
    result = apply_steps(
        optimizer("sgd-2012", [w], momentum=MOMENTUM, weight_decay=DECAY, fused=False), w
    )
    np.testing.assert_allclose(result, expected, rtol=1e-14)
    reference = torch.from_numpy(START.copy()).requires_grad_()
    other = apply_steps(
        torch.optim.SGD([reference], lr=0, momentum=MOMENTUM, weight_decay=DECAY), reference
    )
    assert np.abs(other - expected).max() > 1e-3


def test_sgd_2012_equals_torch_at_a_constant_learning_rate() -> None:
    weights = [torch.from_numpy(START.copy()).requires_grad_() for _ in range(2)]
    own = SGD2012(weights[:1], lr=0.1, momentum=MOMENTUM, weight_decay=DECAY)
    reference = torch.optim.SGD(weights[1:], lr=0.1, momentum=MOMENTUM, weight_decay=DECAY)
    for _ in range(4):
        for w, sgd in zip(weights, (own, reference), strict=True):
            w.grad = torch.from_numpy(gradient(w.detach().numpy()))
            sgd.step()
    torch.testing.assert_close(weights[0], weights[1])


def test_parameters_without_a_gradient_are_unchanged() -> None:
    moved, still = (torch.ones(2, requires_grad=True) for _ in range(2))
    sgd = SGD2012([moved, still], lr=0.1, momentum=0.9, weight_decay=0.1)
    moved.grad = torch.ones(2)
    loss = sgd.step(lambda: 1.5)
    assert loss == 1.5
    assert moved.tolist() == pytest.approx([0.89, 0.89])
    assert still.tolist() == [1, 1]


def test_sgd_2012_resumes_from_its_state_dict() -> None:
    def step(w: torch.Tensor, sgd: SGD2012, steps: int) -> None:
        for _ in range(steps):
            w.grad = torch.cos(w.detach()) + w.detach()
            sgd.step()

    whole, half = (torch.from_numpy(START.copy()).requires_grad_() for _ in range(2))
    options = {"lr": 0.1, "momentum": MOMENTUM, "weight_decay": DECAY}
    step(whole, SGD2012([whole], **options), 4)
    first, second = SGD2012([half], **options), SGD2012([half], **options)
    step(half, first, 2)
    second.load_state_dict(first.state_dict())
    step(half, second, 2)
    assert torch.equal(whole, half)


def test_sgd_uses_nesterov_momentum() -> None:
    """v := m v + (grad + decay w); w := w - lr (grad + decay w + m v)."""
    expected, v = START.copy(), np.zeros_like(START)
    for rate in RATES:
        g = gradient(expected) + DECAY * expected
        v = MOMENTUM * v + g
        expected = expected - rate * (g + MOMENTUM * v)
    w = torch.from_numpy(START.copy()).requires_grad_()
    result = apply_steps(
        optimizer("sgd", [w], momentum=MOMENTUM, weight_decay=DECAY, fused=True), w
    )
    np.testing.assert_allclose(result, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam(name: str) -> None:
    """Kingma and Ba, algorithm 1; AdamW subtracts the decay from the weights."""
    expected, m, s = START.copy(), np.zeros_like(START), np.zeros_like(START)
    for step, rate in enumerate(RATES, start=1):
        g = gradient(expected) + (DECAY * expected if name == "adam" else 0)
        expected = expected * (1 - rate * DECAY) if name == "adamw" else expected
        m, s = 0.8 * m + 0.2 * g, 0.999 * s + 0.001 * g**2
        mean, square = m / (1 - 0.8**step), s / (1 - 0.999**step)
        expected = expected - rate * mean / (np.sqrt(square) + 1e-8)
    w = torch.from_numpy(START.copy()).requires_grad_()
    result = apply_steps(optimizer(name, [w], momentum=0.8, weight_decay=DECAY, fused=True), w)
    np.testing.assert_allclose(result, expected, rtol=1e-10)


def test_sgd_without_momentum() -> None:
    w = torch.ones(1, requires_grad=True)
    sgd = optimizer("sgd", [w], momentum=0.0, weight_decay=0.0, fused=False)
    sgd.param_groups[0]["lr"] = 0.5
    w.grad = torch.ones(1)
    sgd.step()
    assert w.item() == 0.5
