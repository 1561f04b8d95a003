"""The optimizers of the recipes as pure functions, with the update rules of the PyTorch trainer.

Keras' SGD folds the learning rate into the velocity and PyTorch's does not, so the two diverge as
soon as the rate changes. State keys are PyTorch's, so that a checkpoint loads in every backend.
"""

import math
from typing import Any

from keras import ops

from alexnet.config.hyperparameters import Recipe

State = dict[str, Any]
"""The optimizer state of one weight: `step` is a scalar, the others have the weight's shape."""

_STATE_KEYS = {
    "sgd": ("momentum_buffer",),
    "sgd-2012": ("momentum_buffer",),
    "adam": ("step", "exp_avg", "exp_avg_sq"),
    "adamw": ("step", "exp_avg", "exp_avg_sq"),
}
_BETA2, _EPSILON = 0.999, 1e-8


def initial_state(recipe: Recipe, weight: Any) -> State:
    """Return the state before the first step."""
    return {
        key: ops.zeros((), "float32") if key == "step" else ops.zeros_like(weight)
        for key in _STATE_KEYS[recipe.optimizer]
    }


def update(recipe: Recipe, weight: Any, gradient: Any, state: State, lr: Any) -> tuple[Any, State]:
    """Return the weight and its state after one step."""
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
    """The paper's update rule (section 5): v := m v - decay lr w - lr grad, then w := w + v."""
    velocity = recipe.momentum * state["momentum_buffer"] - lr * (g + recipe.weight_decay * w)
    return w + velocity, {"momentum_buffer": velocity}


def _adam(recipe: Recipe, w: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
    if recipe.optimizer == "adamw":
        w = w * (1 - lr * recipe.weight_decay)
    else:
        g = g + recipe.weight_decay * w
    beta1, beta2 = recipe.momentum, _BETA2
    step = state["step"] + 1
    exp_avg = beta1 * state["exp_avg"] + (1 - beta1) * g
    exp_avg_sq = beta2 * state["exp_avg_sq"] + (1 - beta2) * ops.square(g)
    bias_correction1 = -ops.expm1(step * math.log(beta1)) if beta1 else 1.0
    bias_correction2 = -ops.expm1(step * math.log(beta2))
    denominator = ops.sqrt(exp_avg_sq) / ops.sqrt(bias_correction2) + _EPSILON
    new_state = {"step": step, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
    return w - lr / bias_correction1 * exp_avg / denominator, new_state
