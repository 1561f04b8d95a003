"""The training of the tutorial notes: random resized crops, Adam, constant learning rate.

Source: the tutorial notes on AlexNet in PyTorch.
Command: `alexnet train flowers --recipe tutorial --precision fp32`.
"""

from alexnet.config.hyperparameters import Recipe

RECIPE = Recipe(
    name="tutorial",
    epochs=12,
    batch_size=32,
    optimizer="adam",
    lr=2e-4,
    weight_decay=0.0,
    schedule="constant",
    warmup_epochs=0.0,
    crop_area=0.08,
    init="tutorial",
    normalization="minus_one_to_one",
)
