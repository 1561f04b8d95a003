"""Estimated size and memory of a training, printed before it starts."""

import math

from alexnet.pretrained.fine_tuning import describe_fine_tuning, num_trainable_parameters
from alexnet.run import Run

_BYTES = 4
_COPIES = {"adam": 4, "adamw": 4}
_COPIES_OF_SGD = 3
"""Weights, gradients and momentum; Adam keeps a second moment too."""
_FRAMEWORK_BYTES = {"torch": 500e6, "tensorflow": 950e6, "jax": 750e6}
"""Measurements memory of the framework, NumPy and OpenCV before the first image."""
_COPIES_BESIDE = {"torch": 2, "tensorflow": 8, "jax": 2}
"""Temporary copies of all weights: in bf16, in the evaluated network, between two layouts.
Measurements as the peak memory of `owt` beyond everything else counted here."""


def forecast(run: Run, train: int, val: int) -> list[str]:
    """Describe the dataset, the network, and the memory and disk that training needs."""
    network, recipe = run.architecture, run.recipe
    parameters, trained = network.num_parameters, num_trainable_parameters(run)
    copies = _COPIES.get(recipe.optimizer, _COPIES_OF_SGD)
    # Forward keeps each layer's output and backward makes a gradient of the same size.
    values = sum(math.prod(step.output_shape) for step in network.trace())
    batch = min(recipe.batch_size, train)
    # A checkpoint is copied out of the framework, and again into the bytes of its file.
    saving = 2 * (parameters + (copies - 2) * trained)
    beside = _COPIES_BESIDE[run.backend] * parameters
    resident = parameters + (copies - 1) * trained + 2 * values * batch
    memory = _FRAMEWORK_BYTES[run.backend] + _BYTES * (resident + saving + beside)
    # best, last and the checkpoint, which holds the optimizer's values too.
    disk = _BYTES * (3 * parameters + (copies - 2) * trained)
    return [
        f"{train:,} training and {val:,} validation images, {network.num_classes} classes",
        f"{network.variant} at {network.image_size} pixels: {parameters / 1e6:.1f} million "
        f"parameters; about {memory / 1e9:.1f} GB of memory, {disk / 1e9:.1f} GB of disk",
        *describe_fine_tuning(run),
    ]
