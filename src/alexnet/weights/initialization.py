"""Weight initialization, the same for every framework."""

import math

import numpy as np

from alexnet.spec.architectures import CONVS, Architecture
from alexnet.spec.initializers import INITS
from alexnet.spec.layers import LRN, BatchNorm, Conv, Dense
from alexnet.spec.shapes import Step

_GAIN = {"relu": math.sqrt(2), "tanh": 5 / 3, "sigmoid": 4.0}
"""Gains that preserve the variance from layer to layer, for weights of variance gain^2 / fan.
The slope of the sigmoid at 0 is 1/4."""


def initial(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Return initial weights by canonical name, float32, drawn by `architecture.init`.

    The same seed gives the same values on every machine and for every framework.

    Example:
        >>> from alexnet import architecture
        >>> start = initial(architecture("half", num_classes=5), seed=0)
        >>> start["conv1.weight"].shape, float(start["conv1.bias"].max())
        ((48, 3, 11, 11), 0.0)
    """
    generator = np.random.Generator(np.random.Philox(seed))
    arrays: dict[str, np.ndarray] = {}
    number, lrn_divisor = 0, 1.0
    for step in architecture.trace():
        if isinstance(step.layer, (Conv, Dense)):
            arrays |= _draw(architecture, step, number, lrn_divisor, generator)
            number, lrn_divisor = number + 1, 1.0
        elif isinstance(step.layer, LRN):
            # LRN divides small values by this; the next weights compensate.
            lrn_divisor = step.layer.k**step.layer.beta
        elif isinstance(step.layer, BatchNorm):
            for name, shape in step.weights.items():
                is_one = name.endswith(("weight", "running_var"))
                arrays[name] = np.full(shape, float(is_one), np.float32)
    return arrays


def _draw(
    architecture: Architecture,
    step: Step,
    number: int,
    lrn_divisor: float,
    generator: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draw the weight and the bias of layer `number`, counted from conv1 = 0.

    Args:
        lrn_divisor: What LRN divided the values by since the previous layer.
    """
    init = INITS[architecture.init]
    rule = init.conv[number] if number < CONVS else init.dense[number - CONVS]
    (weight_name, weight_shape), (bias_name, bias_shape) = step.weights.items()
    fan_in, fan_out = math.prod(weight_shape[1:]), weight_shape[0] * math.prod(weight_shape[2:])
    bias = np.full(bias_shape, init.biases[number], np.float32)
    if rule == "uniform":
        bound = np.float32(1 / math.sqrt(fan_in))
        weight = generator.random(weight_shape, np.float32)
        bias = generator.random(bias_shape, np.float32)
        for values in (weight, bias):
            values *= 2 * bound
            values -= bound
    else:
        gain = _GAIN[architecture.activation] * lrn_divisor
        std = {"fan_in": gain / math.sqrt(fan_in), "fan_out": gain / math.sqrt(fan_out)}
        damping = init.dense_damping if number >= CONVS else 1.0
        scale = damping * std[rule] if isinstance(rule, str) else rule
        weight = generator.standard_normal(weight_shape, np.float32)
        weight *= np.float32(scale)
    return {weight_name: weight, bias_name: bias}
