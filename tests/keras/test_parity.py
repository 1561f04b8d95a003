"""Training parity of PyTorch and Keras: gradients, steps and optimizer state."""

from typing import Any

import keras
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from alexnet import Architecture, RunError, UserError, architecture, variants, weights
from alexnet.config.hyperparameters import Recipe
from alexnet.config.preprocessing import ColorStatistics, Preprocessing
from alexnet.data.augmentation import training_plan
from alexnet.keras import optimizers
from alexnet.keras.inference import KerasInferenceModel
from alexnet.keras.trainer import Trainer as KerasTrainer
from alexnet.torch.inference import TorchInferenceModel
from alexnet.torch.optimizers import optimizer
from alexnet.torch.trainer import Trainer as TorchTrainer

from ..strategies import changes

COLORS = ColorStatistics(mean=(120.0,) * 3, std=(60.0,) * 3, axes=((30.0, 30.0, 30.0),) * 3)
STEPS = 10


def preprocessing_for(net: Architecture) -> Preprocessing:
    return Preprocessing(
        resize_px=net.image_size + 4,
        crop_px=net.image_size,
        channels="rgb" if net.in_channels == 3 else "gray",
    )


class Pair:
    """The same network with the same weights in a PyTorch and a Keras trainer."""

    def __init__(
        self, net: Architecture, recipe: Recipe, arrays: Any = None, *, precision: str = "fp32"
    ) -> None:
        self.recipe, self.net = recipe, net
        self.preprocessing = preprocessing_for(net)
        self.initial = weights.initial(net, 5) if arrays is None else arrays
        torch_net = TorchInferenceModel(
            net, self.initial, self.preprocessing, device="cpu", workers=1
        )
        keras_net = KerasInferenceModel(net, self.initial, self.preprocessing, workers=1)
        self.torch = TorchTrainer(torch_net, recipe, precision=precision)
        self.keras = KerasTrainer(keras_net, recipe, precision=precision)

    def step(self, trainer: Any, number: int, lr: float = 0.01) -> tuple[float, int]:
        """Run step `number`, with the same batch, augmentation and learning rate for both."""
        generator = np.random.default_rng(number)
        side = self.preprocessing.resize_px
        images = list(generator.integers(0, 256, (6, side, side, 3), np.uint8))
        plan = training_plan(
            self.recipe, self.preprocessing, COLORS, seed=1, epoch=number, samples=np.arange(6)
        )
        labels = generator.integers(0, self.net.num_classes, 6)
        return trainer.step(images, labels, plan, lr=lr * (1 + number % 3), seed=number)


def assert_close(actual: Any, expected: Any, initial: Any, *, outliers: float = 0.0) -> None:
    """Assert that each weight agrees within 1e-3, and all within 5% of the norm of their update.

    A tighter bound is impossible: at the kink of a ReLU a rounding error decides the gradient, and
    later steps amplify the difference. A wrong update rule is off by about 100%.

    Args:
        outliers: fraction of the weights that may differ by more.
    """
    assert list(actual) == list(expected)
    differences = np.concatenate([(actual[name] - expected[name]).ravel() for name in expected])
    updates = np.concatenate([(expected[name] - initial[name]).ravel() for name in expected])
    assert np.mean(np.abs(differences) > 1e-3) <= outliers
    assert np.linalg.norm(differences) < 0.05 * np.linalg.norm(updates)


def plain_recipe(**changes: Any) -> Recipe:
    return Recipe(**{"crop": "random", "brightness": 0.2, **changes})


@pytest.mark.slow
@pytest.mark.parametrize("variant", variants())
def test_ten_steps_of_every_variant_match_pytorch(variant: str) -> None:
    net = architecture(variant, image_size=67, num_classes=5, init="damped", dropout=0)
    pair = Pair(net, plain_recipe(label_smoothing=0.1))
    for number in range(STEPS):
        loss, correct = pair.step(pair.torch, number)
        assert pair.step(pair.keras, number) == (pytest.approx(loss, rel=1e-3), correct)
    assert_close(pair.keras.weights(), pair.torch.weights(), pair.initial)


@pytest.mark.parametrize("variant", ["half", "paper"])
def test_ten_steps_with_a_smooth_activation_match_closely(variant: str) -> None:
    """With tanh each array agrees within 1e-3 of the norm of its update."""
    net = architecture(
        variant, image_size=67, num_classes=5, init="damped", dropout=0, activation="tanh"
    )
    pair = Pair(net, plain_recipe(label_smoothing=0.1))
    for number in range(STEPS):
        pair.step(pair.torch, number)
        pair.step(pair.keras, number)
    actual, expected = pair.keras.weights(), pair.torch.weights()
    for name, array in expected.items():
        update = np.linalg.norm(array - pair.initial[name])
        assert np.linalg.norm(actual[name] - array) < 1e-3 * update, name


OPTIMIZERS = ("sgd", "sgd-2012", "adam", "adamw")


@pytest.mark.parametrize("momentum", [0.9, 0.0])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_matches_pytorch(name: str, momentum: float) -> None:
    """The same gradients and a changing learning rate give the same weights up to rounding."""
    recipe = Recipe(optimizer=name, momentum=momentum, weight_decay=0.01)
    generator = np.random.default_rng(0)
    initial = generator.normal(size=(40, 30)).astype(np.float32)
    expected = torch.nn.Parameter(torch.from_numpy(initial.copy()))
    reference = optimizer(name, [expected], momentum=momentum, weight_decay=0.01, fused=False)
    weight = keras.ops.convert_to_tensor(initial)
    state = optimizers.initial_state(recipe, weight)
    for step in range(20):
        gradient = generator.normal(size=initial.shape).astype(np.float32)
        lr = 0.1 / (1 + step % 4)
        expected.grad = torch.from_numpy(gradient)
        reference.param_groups[0]["lr"] = lr
        reference.step()
        weight, state = optimizers.update(recipe, weight, gradient, state, lr)
    np.testing.assert_allclose(weight, expected.detach(), rtol=1e-4, atol=1e-5)
    assert set(state) == set(reference.state[expected]) | ({"momentum_buffer"} & set(state))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ten_steps_of_every_optimizer_match_pytorch(optimizer: str) -> None:
    net = architecture("half", image_size=67, num_classes=3, dropout=0, activation="tanh")
    pair = Pair(net, plain_recipe(optimizer=optimizer, weight_decay=0.01))
    for number in range(STEPS):
        pair.step(pair.torch, number, lr=1e-3)
        pair.step(pair.keras, number, lr=1e-3)
    # Adam normalizes tiny gradients, so the sign of a rounding error can move a weight by lr.
    outliers = 1e-4 if optimizer.startswith("adam") else 0
    assert_close(pair.keras.weights(), pair.torch.weights(), pair.initial, outliers=outliers)


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=6,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(overrides=changes(), channels=st.sampled_from([1, 3]))
def test_gradients_of_any_architecture_match_pytorch(
    overrides: dict[str, Any], channels: int
) -> None:
    """One step of plain_recipe SGD, w - lr * gradient, exposes every gradient."""
    try:
        fixed = {"in_channels": channels, "dropout": 0, "groups": 1, "image_size": 32}
        net = architecture("paper", **{**overrides, **fixed})
    except UserError:
        assume(False)
    pair = Pair(net, plain_recipe(momentum=0, weight_decay=0))
    before = pair.torch.weights()
    pair.step(pair.torch, 0, lr=1.0)
    pair.step(pair.keras, 0, lr=1.0)
    keras_weights, torch_weights = pair.keras.weights(), pair.torch.weights()
    # PyTorch tracks the unbiased running variance, Keras the biased one.
    for name in before:
        if "running" not in name:
            scale = max(np.abs(torch_weights[name] - before[name]).max(), 1e-4)
            difference = np.abs(keras_weights[name] - torch_weights[name]).max()
            assert difference < 1e-3 * scale, name


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "sgd-2012", "adamw"])
def test_checkpoint_resumes_in_the_other_backend(optimizer: str) -> None:
    """In both directions, two steps in each backend equal four steps in one."""
    net = architecture("half", image_size=67, num_classes=3, dropout=0)
    recipe = plain_recipe(optimizer=optimizer)
    whole = Pair(net, recipe)
    for number in range(4):
        whole.step(whole.torch, number, lr=1e-3)
    for first, second in (("torch", "keras"), ("keras", "torch")):
        first_half = Pair(net, recipe)
        for number in range(2):
            first_half.step(getattr(first_half, first), number, lr=1e-3)
        stopped = getattr(first_half, first)
        second_half = Pair(net, recipe, stopped.weights())
        trainer = getattr(second_half, second)
        trainer.load_state(stopped.state())
        for number in range(2, 4):
            second_half.step(trainer, number, lr=1e-3)
        assert_close(trainer.weights(), whole.torch.weights(), whole.initial, outliers=1e-4)


def test_dropout_masks_depend_on_the_seed_only() -> None:
    """So a resumed run repeats the masks of the interrupted one."""
    net = architecture("half", image_size=67, num_classes=3)
    losses = []
    for seeds in ((0, 1), (0, 1), (0, 2)):
        pair = Pair(net, plain_recipe(), weights.initial(net, 5))
        losses.append([pair.step(pair.keras, seed)[0] for seed in seeds])
    assert losses[0] == losses[1]
    assert losses[0][0] == losses[2][0]
    assert losses[0][1] != losses[2][1]


def test_non_finite_loss_leaves_the_weights_unchanged() -> None:
    net = architecture("half", image_size=67, num_classes=3)
    pair = Pair(net, plain_recipe())
    pair.step(pair.keras, 0)
    arrays = pair.keras.weights()
    arrays["fc8.bias"][:] = np.inf
    diverging = Pair(net, plain_recipe(), arrays)
    with pytest.raises(RunError, match="training stopped before the update"):
        diverging.step(diverging.keras, 1)
    after = diverging.keras.weights()
    assert all((after[name] == arrays[name]).all() for name in arrays)


def test_frozen_layers_and_learning_rate_factors() -> None:
    """conv1 and norm1 (in inference mode) stay frozen; conv2 moves a tenth as far."""
    net = architecture("half", image_size=67, num_classes=3, norm="batch", dropout=0)
    initial = weights.initial(net, 5)
    preprocessing = preprocessing_for(net)
    recipe = plain_recipe(momentum=0.5, weight_decay=0)
    frozen = [name for name in initial if name.startswith(("conv1.", "norm1."))]
    factors = dict.fromkeys(frozen, 0.0) | {"conv2.weight": 0.1, "conv2.bias": 0.1}
    all_updates = []
    for lr_factors in ({}, dict.fromkeys(frozen, 0.0), factors):
        pair = Pair(net, recipe)
        network = KerasInferenceModel(net, initial, preprocessing, workers=1)
        trainer = KerasTrainer(network, recipe, precision="fp32", lr_factors=lr_factors)
        pair.step(trainer, 0)
        after = trainer.weights()
        all_updates.append({name: after[name] - initial[name] for name in initial})
        layers_with_state = {name.split(".")[1] for name in trainer.state()}
        assert ("conv1" in layers_with_state) == (not lr_factors)
    unfrozen, frozen_only, slower = all_updates
    assert all(unfrozen[name].any() for name in frozen)
    assert not any(frozen_only[name].any() or slower[name].any() for name in frozen)
    np.testing.assert_allclose(
        slower["conv2.weight"], 0.1 * frozen_only["conv2.weight"], rtol=1e-3, atol=1e-7
    )
    np.testing.assert_allclose(
        slower["fc8.weight"], frozen_only["fc8.weight"], rtol=1e-3, atol=1e-7
    )


def test_bf16_training_stays_close_to_float32() -> None:
    net = architecture("half", image_size=67, num_classes=3, dropout=0)
    pair, mixed = Pair(net, plain_recipe()), Pair(net, plain_recipe(), precision="bf16")
    for number in range(3):
        loss, _ = pair.step(pair.keras, number)
        assert mixed.step(mixed.keras, number)[0] == pytest.approx(loss, rel=0.02)
    update = mixed.keras.weights()["fc8.weight"] - pair.initial["fc8.weight"]
    expected = pair.keras.weights()["fc8.weight"] - pair.initial["fc8.weight"]
    assert 0 < np.linalg.norm(update - expected) < 0.1 * np.linalg.norm(expected)
    with pytest.raises(UserError, match="use bf16 or fp32"):
        Pair(net, plain_recipe(), precision="fp16")
