"""The paper's training, sections 4 and 5.

SGD with its own rule (v := 0.9 v - 0.0005 lr w - lr grad), batches of 128, learning rate 0.01
divided by 10 when the validation error stops improving, three times; random crops and mirror
images; principal-color noise; the mean of each pixel subtracted; weights N(0, 0.01), biases 1.

The paper lowers the rate by hand; here after 30 epochs without improvement. Its epoch has 9,375
steps, that of few images hardly any: with these initial weights 3,433 photographs stand near
chance for ten epochs, and a patience of 5 would lower the rate before anything is learned.

Command: `alexnet train flowers --recipe paper --image-size 128` (`half`, two cores).
Reached: 71.6% after epoch 51, 4 s each; cut at 68 epochs, before the rate was lowered (seed 0).
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
