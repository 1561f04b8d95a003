"""Local response normalization for PyTorch, over the channels of (N, C, H, W)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_CACHED_VALUES = 96 * 55 * 55
"""Values per chunk on a CPU: one image after conv1 of the paper, the fastest of the sizes tried
at 224 pixels. Smaller maps share a chunk, or the calls would cost more than the work."""


class LocalResponseNorm(nn.Module):
    """b = a / (k + alpha * sum of a^2 over `size` neighboring channels) ** beta.

    The paper's formula (section 3.3). Channel c sums over c - size // 2 … c + (size - 1) // 2,
    clipped to the channels that exist; an even size has one more channel before than after.

    Args:
        size: Number of channels in the sum, n; may exceed that of the input.
        alpha_divided: Divide alpha by `size`, as the 2012 program, Caffe and
            `torch.nn.LocalResponseNorm` do and the paper does not.

    Example:
        >>> norm = LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=2.0)
        >>> norm(torch.ones(1, 96, 2, 2)).shape
        torch.Size([1, 96, 2, 2])
    """

    def __init__(
        self, *, size: int, alpha: float, beta: float, k: float, alpha_divided: bool = False
    ) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k
        self.alpha_divided = alpha_divided

    def forward(self, x: Tensor) -> Tensor:
        # --8<-- [start:convention]
        alpha = self.alpha / self.size if self.alpha_divided else self.alpha
        # --8<-- [end:convention]
        y: Tensor = _LRN.apply(x, self.size, alpha, self.beta, self.k)  # type: ignore[no-untyped-call]
        return y

    def extra_repr(self) -> str:
        divided = ", alpha_divided=True" if self.alpha_divided else ""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}{divided}"


class _LRN(torch.autograd.Function):
    """LRN with a hand-written gradient: autograd would store every partial sum of the window.

    With s = k + alpha * window(a^2), the gradient of b = a * s^-beta is
    g * s^-beta - 2 * alpha * beta * a * window^T(g * a * s^(-beta - 1)). Only `a` is saved for
    the backward pass: recomputing s costs less than writing it to memory and reading it back.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.constants = size, alpha, beta, k
        y = torch.empty_like(x)
        for part, out in zip(_parts(x), _parts(y), strict=True):
            # --8<-- [start:paper-3-3]
            torch.mul(part, _power(_scale(part, size, alpha, k), -beta), out=out)
            # --8<-- [end:paper-3-3]
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        (x,) = ctx.saved_tensors
        size, alpha, beta, k = ctx.constants
        result = torch.empty_like(x)
        for part, g, out in zip(_parts(x), _parts(grad), _parts(result), strict=True):
            scale = _scale(part, size, alpha, k)
            direct = _power(scale, -beta).mul_(g)
            shared = _window_sum((direct * part).div_(scale), (size - 1) // 2, size // 2)
            torch.addcmul(direct, part.to(direct.dtype), shared, value=-2 * alpha * beta, out=out)
        return result, None, None, None, None


def _parts(x: Tensor) -> tuple[Tensor, ...]:
    """Split the batch into chunks that fit a CPU's cache; one chunk on other devices."""
    count = max(len(x), 1)
    if x.device.type == "cpu":
        count = min(count, max(_CACHED_VALUES * count // max(x.numel(), 1), 1))
    return torch.split(x, count)


# --8<-- [start:scale]
def _scale(x: Tensor, size: int, alpha: float, k: float) -> Tensor:
    return _window_sum(_wide(x).square(), size // 2, (size - 1) // 2).mul_(alpha).add_(k)
    # --8<-- [end:scale]


def _wide(x: Tensor) -> Tensor:
    """Convert half precision to float32: in float16 the square of 256 is infinite."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _window_sum(values: Tensor, before: int, after: int) -> Tensor:
    """Sum over the channels c - before … c + after that exist."""
    total = values.clone()
    for offset in range(1, min(max(before, after), values.shape[1] - 1) + 1):
        if offset <= before:
            total[:, offset:] += values[:, :-offset]
        if offset <= after:
            total[:, :-offset] += values[:, offset:]
    return total


def _power(base: Tensor, exponent: float) -> Tensor:
    """Return base ** exponent; for the paper's -0.75 by two square roots, five times as fast."""
    if exponent == -0.75:
        root = base.rsqrt()
        return root * root.sqrt()
    return base.pow(exponent)
