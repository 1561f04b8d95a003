"""The paper's training, sections 4 and 5.

SGD with its own rule (v := 0.9 v - 0.0005 lr w - lr grad), batches of 128, learning rate 0.01
divided by 10 when the validation error stops improving, three times; random crops and mirror
images; principal-colour noise; the mean of each pixel subtracted; weights N(0, 0.01), biases 1.
"""

from alexnet.recipe import Recipe

RECIPE = Recipe(
    name="paper",
    epochs=90,
    batch_size=128,
    optimizer="sgd-2012",
    lr=0.01,
    weight_decay=5e-4,
    schedule="plateau",
    warmup_epochs=0.0,
    crop="random",
    pca_colour=0.1,
    init="paper",
    mean="pixel",
)
