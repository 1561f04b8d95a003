"""PyTorch and Keras train alike: gradients, steps, and what is kept from step to step."""

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
    """The same network with the same weights, to be trained with PyTorch and with Keras."""

    def __init__(self, net: Architecture, recipe: Recipe, arrays: Any = None) -> None:
        self.recipe, self.net = recipe, net
        self.preprocessing = preprocessing_for(net)
        self.start = weights.initial(net, 5) if arrays is None else arrays
        torch_net = TorchInferenceModel(
            net, self.start, self.preprocessing, device="cpu", workers=1
        )
        keras_net = KerasInferenceModel(net, self.start, self.preprocessing, workers=1)
        self.torch = TorchTrainer(torch_net, recipe)
        self.keras = KerasTrainer(keras_net, recipe)

    def step(self, trainer: Any, number: int, lr: float = 0.01) -> tuple[float, int]:
        """Step `number`, the same for both: batches, augmentation, learning rate."""
        generator = np.random.default_rng(number)
        side = self.preprocessing.resize_px
        images = list(generator.integers(0, 256, (6, side, side, 3), np.uint8))
        plan = training_plan(
            self.recipe, self.preprocessing, COLORS, seed=1, epoch=number, samples=np.arange(6)
        )
        labels = generator.integers(0, self.net.num_classes, 6)
        return trainer.step(images, labels, plan, lr=lr * (1 + number % 3), seed=number)


def assert_alike(found: Any, expected: Any, start: Any, *, strays: float = 0.0) -> None:
    """Every weight within 1e-3, and all of them within 5% of how far they have come.

    Not closer: where a value is at the kink of a ReLU, a rounding decides about its gradient, and
    the steps that follow make the difference grow. A wrong rule is off by its whole way.

    Args:
        strays: share of the weights that may be farther apart.
    """
    assert list(found) == list(expected)
    differences = np.concatenate([(found[name] - expected[name]).ravel() for name in expected])
    moved = np.concatenate([(expected[name] - start[name]).ravel() for name in expected])
    assert np.mean(np.abs(differences) > 1e-3) <= strays
    assert np.linalg.norm(differences) < 0.05 * np.linalg.norm(moved)


def plain(**changes: Any) -> Recipe:
    return Recipe(**{"precision": "fp32", "crop": "random", "brightness": 0.2, **changes})


@pytest.mark.parametrize("variant", variants())
def test_ten_steps_of_every_variant(variant: str) -> None:
    net = architecture(variant, image_size=67, num_classes=5, init="damped", dropout=0)
    pair = Pair(net, plain(label_smoothing=0.1))
    for number in range(STEPS):
        loss, hits = pair.step(pair.torch, number)
        found = pair.step(pair.keras, number)
        assert found == (pytest.approx(loss, rel=1e-3), hits)
    assert_alike(pair.keras.weights(), pair.torch.weights(), pair.start)


@pytest.mark.parametrize("variant", ["half", "paper"])
def test_ten_steps_without_kinks_are_the_same(variant: str) -> None:
    """With tanh no rounding decides a gradient: each array within 1e-3 of how far it has come."""
    net = architecture(
        variant, image_size=67, num_classes=5, init="damped", dropout=0, activation="tanh"
    )
    pair = Pair(net, plain(label_smoothing=0.1))
    for number in range(STEPS):
        pair.step(pair.torch, number)
        pair.step(pair.keras, number)
    found, expected = pair.keras.weights(), pair.torch.weights()
    for name, array in expected.items():
        moved = np.linalg.norm(array - pair.start[name])
        assert np.linalg.norm(found[name] - array) < 1e-3 * moved, name


OPTIMIZERS = ("sgd", "sgd-2012", "adam", "adamw")


@pytest.mark.parametrize("momentum", [0.9, 0.0])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_by_itself(name: str, momentum: float) -> None:
    """The same gradients and a rate that changes: the same weights, to a rounding."""
    chosen = Recipe(optimizer=name, momentum=momentum, weight_decay=0.01)
    generator = np.random.default_rng(0)
    start = generator.normal(size=(40, 30)).astype(np.float32)
    theirs = torch.nn.Parameter(torch.from_numpy(start.copy()))
    rule = optimizer(name, [theirs], momentum=momentum, weight_decay=0.01, fused=False)
    ours = keras.ops.convert_to_tensor(start)
    state = optimizers.start(chosen, ours)
    for step in range(20):
        gradient = generator.normal(size=start.shape).astype(np.float32)
        lr = 0.1 / (1 + step % 4)
        theirs.grad = torch.from_numpy(gradient)
        rule.param_groups[0]["lr"] = lr
        rule.step()
        ours, state = optimizers.update(chosen, ours, gradient, state, lr)
    np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-4, atol=1e-5)
    assert set(state) == set(rule.state[theirs]) | ({"momentum_buffer"} & set(state))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ten_steps_of_every_optimizer(optimizer: str) -> None:
    net = architecture("half", image_size=67, num_classes=3, dropout=0, activation="tanh")
    pair = Pair(net, plain(optimizer=optimizer, weight_decay=0.01))
    for number in range(STEPS):
        pair.step(pair.torch, number, lr=1e-3)
        pair.step(pair.keras, number, lr=1e-3)
    # Adam moves a weight by the rate however small its gradient is, so also by a rounding's sign.
    strays = 1e-4 if optimizer.startswith("adam") else 0
    assert_alike(pair.keras.weights(), pair.torch.weights(), pair.start, strays=strays)


@settings(
    deadline=None,
    max_examples=6,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(wanted=changes(), channels=st.sampled_from([1, 3]))
def test_gradients_of_any_architecture(wanted: dict[str, Any], channels: int) -> None:
    """One step of the plainest rule, w - lr * gradient, shows every gradient."""
    try:
        own = {"in_channels": channels, "dropout": 0, "groups": 1, "image_size": 32}
        net = architecture("paper", **{**wanted, **own})
    except UserError:
        assume(False)
    pair = Pair(net, plain(momentum=0, weight_decay=0))
    before = pair.torch.weights()
    pair.step(pair.torch, 0, lr=1.0)
    pair.step(pair.keras, 0, lr=1.0)
    ours, theirs = pair.keras.weights(), pair.torch.weights()
    # PyTorch's running variance is the unbiased one, Keras' the biased.
    for name in before:
        if "running" not in name:
            expected = theirs[name] - before[name]
            scale = max(np.abs(expected).max(), 1e-4)
            assert np.abs(ours[name] - theirs[name]).max() < 1e-3 * scale, name


@pytest.mark.parametrize("optimizer", ["sgd", "sgd-2012", "adamw"])
def test_a_checkpoint_of_one_goes_on_in_the_other(optimizer: str) -> None:
    """Both ways: two steps here and two there are four here."""
    net = architecture("half", image_size=67, num_classes=3, dropout=0)
    recipe = plain(optimizer=optimizer)
    whole = Pair(net, recipe)
    for number in range(4):
        whole.step(whole.torch, number, lr=1e-3)
    for first, second in (("torch", "keras"), ("keras", "torch")):
        begun = Pair(net, recipe)
        for number in range(2):
            begun.step(getattr(begun, first), number, lr=1e-3)
        stopped = getattr(begun, first)
        gone_on = Pair(net, recipe, stopped.weights())
        trainer = getattr(gone_on, second)
        trainer.load_state(stopped.state())
        for number in range(2, 4):
            gone_on.step(trainer, number, lr=1e-3)
        assert_alike(trainer.weights(), whole.torch.weights(), whole.start, strays=1e-4)


def test_dropout_is_a_function_of_the_step() -> None:
    """Another step drops others, the same step the same: so a resumed run repeats itself."""
    net = architecture("half", image_size=67, num_classes=3)
    losses = []
    for seeds in ((0, 1), (0, 1), (0, 2)):
        pair = Pair(net, plain(), weights.initial(net, 5))
        losses.append([pair.step(pair.keras, seed)[0] for seed in seeds])
    assert losses[0] == losses[1]
    assert losses[0][0] == losses[2][0]
    assert losses[0][1] != losses[2][1]


def test_a_loss_that_is_not_finite_leaves_the_weights() -> None:
    net = architecture("half", image_size=67, num_classes=3)
    pair = Pair(net, plain())
    pair.step(pair.keras, 0)
    arrays = pair.keras.weights()
    arrays["fc8.bias"][:] = np.inf
    broken = Pair(net, plain(), arrays)
    with pytest.raises(RunError, match="training stopped before the update"):
        broken.step(broken.keras, 1)
    after = broken.keras.weights()
    assert all((after[name] == arrays[name]).all() for name in arrays)


def test_frozen_layers_and_smaller_rates() -> None:
    """conv1 stays, norm1 with it in evaluation mode; conv2 moves a tenth as far."""
    net = architecture("half", image_size=67, num_classes=3, norm="batch", dropout=0)
    start = weights.initial(net, 5)
    own = preprocessing_for(net)
    recipe = plain(momentum=0.5, weight_decay=0)
    frozen = [name for name in start if name.startswith(("conv1.", "norm1."))]
    factors = dict.fromkeys(frozen, 0.0) | {"conv2.weight": 0.1, "conv2.bias": 0.1}
    moved = []
    for given_factors in ({}, dict.fromkeys(frozen, 0.0), factors):
        pair = Pair(net, recipe)
        network = KerasInferenceModel(net, start, own, workers=1)
        trainer = KerasTrainer(network, recipe, lr_factors=given_factors)
        pair.step(trainer, 0)
        after = trainer.weights()
        moved.append({name: after[name] - start[name] for name in start})
        kept = {name.split(".")[1] for name in trainer.state()}
        assert ("conv1" in kept) == (not given_factors)
    everything, without, slower = moved
    assert all(everything[name].any() for name in frozen)
    assert not any(without[name].any() or slower[name].any() for name in frozen)
    np.testing.assert_allclose(
        slower["conv2.weight"], 0.1 * without["conv2.weight"], rtol=1e-3, atol=1e-7
    )
    np.testing.assert_allclose(slower["fc8.weight"], without["fc8.weight"], rtol=1e-3, atol=1e-7)


def test_bf16_trains_too_and_is_judged_in_float32() -> None:
    net = architecture("half", image_size=67, num_classes=3, dropout=0)
    pair, half = Pair(net, plain()), Pair(net, plain(precision="bf16"))
    for number in range(3):
        loss, _ = pair.step(pair.keras, number)
        assert half.step(half.keras, number)[0] == pytest.approx(loss, rel=0.02)
    moved = half.keras.weights()["fc8.weight"] - pair.start["fc8.weight"]
    in_full = pair.keras.weights()["fc8.weight"] - pair.start["fc8.weight"]
    assert 0 < np.linalg.norm(moved - in_full) < 0.1 * np.linalg.norm(in_full)
    with pytest.raises(UserError, match="use bf16 or fp32"):
        Pair(net, plain(precision="fp16"))
