"""PyTorch optimizers of the recipes."""

from collections.abc import Callable, Iterable
from typing import Any

import torch


class SGD2012(torch.optim.Optimizer):
    """The paper's update (section 5): v := m v - decay lr w - lr grad, then w := w + v.

    Unlike in `torch.optim.SGD`, v includes the learning rate, so after a drop v still contains
    updates at the old rate.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None if closure is None else closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                if not self.state[p]:
                    self.state[p]["momentum_buffer"] = torch.zeros_like(p)
            # --8<-- [start:paper-5-rule]
            velocities = [self.state[p]["momentum_buffer"] for p in params]
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_add_(velocities, params, alpha=-group["weight_decay"] * group["lr"])
            torch._foreach_add_(velocities, [p.grad for p in params], alpha=-group["lr"])
            torch._foreach_add_(params, velocities)
            # --8<-- [end:paper-5-rule]
        return loss


def optimizer(
    name: str, params: Iterable[Any], *, momentum: float, weight_decay: float, fused: bool
) -> torch.optim.Optimizer:
    """Return the optimizer of this name, with learning rate 0: the trainer sets it at each step."""
    options: dict[str, Any] = {"lr": 0.0, "weight_decay": weight_decay}
    match name:
        case "sgd":
            return torch.optim.SGD(
                params, momentum=momentum, nesterov=momentum > 0, fused=fused, **options
            )
        case "sgd-2012":
            return SGD2012(params, momentum=momentum, **options)
        case "adam":
            return torch.optim.Adam(params, betas=(momentum, 0.999), fused=fused, **options)
        case "adamw":
            return torch.optim.AdamW(params, betas=(momentum, 0.999), fused=fused, **options)
    raise ValueError(name)
