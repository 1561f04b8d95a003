"""The paper's training, sections 4 and 5.

SGD with the paper's update rule (v := 0.9 v - 0.0005 lr w - lr grad), batch size 128, learning
rate 0.01 divided by 10 when the validation error stops improving, three times; random crops and
horizontal flips; PCA color jitter; per-pixel mean subtraction; weights N(0, 0.01), biases 1.

The authors lowered the learning rate by hand; here it drops after 30 epochs without improvement.
Their epochs have 9,375 steps, those of a small dataset few: with this initialization, training on
3,433 photos stays near chance for ten epochs, and a patience of 5 would drop the rate too early.

Command: `alexnet train flowers --recipe paper --image-size 128` (`half`, two CPU cores).
Result: top-1 0.716 after epoch 51, 4 s per epoch; stopped after epoch 68, before the first drop
(seed 0).
"""

from alexnet.config.hyperparameters import Recipe

# --8<-- [start:paper-5]
RECIPE = Recipe(
    name="paper",
    epochs=90,
    batch_size=128,
    optimizer="sgd-2012",
    lr=0.01,
    weight_decay=5e-4,
    schedule="plateau",
    lr_drop_patience=30,
    warmup_epochs=0.0,
    crop="random",
    pca_color=0.1,
    init="paper",
    normalization="per_pixel",
)
# --8<-- [end:paper-5]
