"""The optimizers of the recipes as functions of arrays, step by step those of the PyTorch side.

Keras' own SGD keeps the learning rate inside the velocity, PyTorch's does not, and the two part
as soon as the rate changes. The state goes by PyTorch's names, so a checkpoint fits every backend.
"""

import math
from typing import Any

from keras import ops

from alexnet.config.hyperparameters import Recipe

State = dict[str, Any]
"""What is kept of one weight from step to step; `step` is a number, the others have its shape."""

_KEPT = {
    "sgd": ("momentum_buffer",),
    "sgd-2012": ("momentum_buffer",),
    "adam": ("step", "exp_avg", "exp_avg_sq"),
    "adamw": ("step", "exp_avg", "exp_avg_sq"),
}
_BETA2, _EPSILON = 0.999, 1e-8


def start(recipe: Recipe, weight: Any) -> State:
    """The state before the first step."""
    return {
        key: ops.zeros((), "float32") if key == "step" else ops.zeros_like(weight)
        for key in _KEPT[recipe.optimizer]
    }


def update(recipe: Recipe, weight: Any, gradient: Any, state: State, lr: Any) -> tuple[Any, State]:
    """The weight and the state after a step."""
    if recipe.optimizer == "sgd":
        return _nesterov(recipe, weight, gradient, state, lr)
    if recipe.optimizer == "sgd-2012":
        return _sgd_2012(recipe, weight, gradient, state, lr)
    return _adam(recipe, weight, gradient, state, lr)


def _nesterov(recipe: Recipe, w: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
    g = g + recipe.weight_decay * w
    if not recipe.momentum:
        return w - lr * g, state
    velocity = recipe.momentum * state["momentum_buffer"] + g
    return w - lr * (g + recipe.momentum * velocity), {"momentum_buffer": velocity}


def _sgd_2012(recipe: Recipe, w: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
    """The paper's update (section 5): v := m v - decay lr w - lr grad, then w := w + v."""
    velocity = recipe.momentum * state["momentum_buffer"] - lr * (g + recipe.weight_decay * w)
    return w + velocity, {"momentum_buffer": velocity}


def _adam(recipe: Recipe, w: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
    if recipe.optimizer == "adamw":
        w = w * (1 - lr * recipe.weight_decay)
    else:
        g = g + recipe.weight_decay * w
    beta1, beta2 = recipe.momentum, _BETA2
    step = state["step"] + 1
    mean = beta1 * state["exp_avg"] + (1 - beta1) * g
    square = beta2 * state["exp_avg_sq"] + (1 - beta2) * ops.square(g)
    mean_share = -ops.expm1(step * math.log(beta1)) if beta1 else 1.0
    square_share = -ops.expm1(step * math.log(beta2))
    size = ops.sqrt(square) / ops.sqrt(square_share) + _EPSILON
    after = {"step": step, "exp_avg": mean, "exp_avg_sq": square}
    return w - lr / mean_share * mean / size, after
