"""What a GPU computes is what the CPU computes; each test runs on the CPU too.

`python -m pytest -m gpu tests/torch/test_gpu.py` runs those that need CUDA. The networks are small;
`benchmarks/gpu.py` compares the variants at their own size.
"""

import csv
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alexnet import Architecture, architecture, variants, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import Augmentation, Recipe, recipe
from alexnet.config.preprocessing import Preprocessing
from alexnet.data import augmentation
from alexnet.data.augmentation import ColorStatistics
from alexnet.evaluation import evaluate
from alexnet.inspect import compute_grad_cam
from alexnet.prediction import predict
from alexnet.run import BEST, LAST, METRICS
from alexnet.torch import LocalResponseNorm
from alexnet.torch.augmentation import apply as apply_on_device
from alexnet.torch.inference import TorchInferenceModel
from alexnet.torch.trainer import Trainer
from alexnet.training import Observer, TrainingInterrupted, TrainingResult, resume, train

from .. import oracle
from ..images import red_and_blue

# On a GPU sums are taken in another order, and some of them in a new order every time.
LOGITS, LOSS, UPDATE = 3e-4, 1e-3, 0.02
"""Largest differences: of logits and losses relative to the largest, of ten steps' updates
relative to the length of the update. On a CPU, weights that are off by their rounding change
losses by 2e-6 and updates by 1e-3. TF32 is off; with it logits are off by about 1e-3."""
SMALL: dict[str, Any] = {"widths": 32, "hidden": 256, "num_classes": 4, "image_size": 79}
"""Not smaller: where a ReLU or a pool decides by a rounding, few units make that a large change."""
COLORS = ColorStatistics(
    mean=(120.0, 115.0, 95.0),
    std=(60.0, 55.0, 50.0),
    axes=((9.0, 8.0, 7.0), (-3.0, 0.5, 3.3), (1.0, -2.0, 1.2)),
)
# OpenCV rounds resized values on its way; see test_augment.py.
LEVELS = 0.5 + 2 * 0.25 + 4 * 255 / 4096


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """A device that computes float32 as float32, not as TF32."""
    before = set_tf32([False, False])
    yield request.param
    if request.param == "cuda":
        torch.cuda.synchronize()  # an error of a kernel belongs to the test that started it
    set_tf32(before)


def set_tf32(values: list[bool]) -> list[bool]:
    """Allow TF32 in matrix products and convolutions or not; returns what was allowed before."""
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some versions recommend a newer name
        before = [backend.allow_tf32 for backend in backends]
        for backend, value in zip(backends, values, strict=True):
            backend.allow_tf32 = value
    return before


def network_on(device: str, net: Architecture) -> TorchInferenceModel:
    preprocessing = Preprocessing(resize_px=net.image_size + 8, crop_px=net.image_size)
    return TorchInferenceModel(
        net, weights.initial(net, 0), preprocessing, device=device, workers=1
    )


def images_for(network: TorchInferenceModel, count: int, seed: int = 0) -> list[np.ndarray]:
    side = network.preprocessing.resize_px
    return list(np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8))


def relative(result: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest expected value."""
    return float(np.abs(result - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("variant", variants())
def test_logits_of_every_variant_equal_the_cpus(variant: str, device: str) -> None:
    net = architecture(variant, **SMALL, init="kaiming")
    reference, network = network_on("cpu", net), network_on(device, net)
    images = images_for(network, 3)
    plan = augmentation.view_plan(network.preprocessing, 3)
    expected, result = (n.logits(images, plan) for n in (reference, network))
    assert result.dtype == np.float32
    assert relative(result, expected) < LOGITS


@pytest.mark.parametrize("optimizer", ["sgd", "sgd-2012", "adam", "adamw"])
@pytest.mark.parametrize("variant", ["paper", "caffenet", "owt"])
def test_ten_steps_equal_the_cpus(variant: str, optimizer: str, device: str) -> None:
    """Without dropout, whose random numbers are the device's own."""
    net = architecture(variant, **SMALL, init="kaiming", dropout=0.0)
    settings = recipe("fast", optimizer=optimizer, crop="random", label_smoothing=0.0)
    (expected_losses, expected), (losses, result) = (
        ten_steps(name, net, settings, same_batches=True) for name in ("cpu", device)
    )
    np.testing.assert_allclose(losses, expected_losses, rtol=LOSS)
    before = flat(weights.initial(net, 0))
    update = np.linalg.norm(flat(expected) - before)
    assert update > 0
    assert np.linalg.norm(flat(result) - flat(expected)) < UPDATE * update


def test_losses_of_augmented_images_are_near_the_cpus(device: str) -> None:
    """The device resizes the crops itself, which differs by OpenCV's rounding."""
    net = architecture("paper", **SMALL, init="kaiming", dropout=0.0)
    settings = recipe("fast")
    expected, result = (ten_steps(name, net, settings)[0] for name in ("cpu", device))
    np.testing.assert_allclose(result, expected, rtol=0.01)


def flat(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([arrays[name].ravel() for name in sorted(arrays)])


def ten_steps(
    device: str, net: Architecture, settings: Recipe, *, same_batches: bool = False
) -> tuple[list[float], dict[str, np.ndarray]]:
    """The losses of ten steps on random images, and the weights after them.

    Args:
        same_batches: make the batches on the CPU, so that every device gets the same values.
    """
    network, on_cpu = network_on(device, net), network_on("cpu", net)
    if same_batches:
        network.batch = lambda images, plan: on_cpu.batch(images, plan).to(device)  # type: ignore[method-assign]
    trainer = Trainer(network, settings, precision="fp32")
    labels = np.arange(8, dtype=np.int64) % net.num_classes
    lr = 1e-4 if settings.optimizer.startswith("adam") else 0.01
    losses = []
    for step in range(10):
        plan = augmentation.training_plan(
            settings, network.preprocessing, COLORS, seed=0, epoch=step, samples=np.arange(8)
        )
        images = images_for(network, 8, seed=step % 2)
        losses.append(trainer.step(images, labels, plan, lr=lr, seed=step)[0])
    return losses, trainer.weights()


@pytest.mark.parametrize("has_mean_image", [False, True])
@pytest.mark.parametrize("channels", ["rgb", "bgr", "gray"])
@pytest.mark.parametrize("crop", ["resized", "random", "center"])
def test_augmentation_equals_the_cpus(
    crop: str, channels: str, has_mean_image: bool, device: str
) -> None:
    generator = np.random.default_rng(0)
    squares = generator.integers(0, 256, (6, 40, 40, 3), np.uint8)
    mean = generator.uniform(80, 150, (40, 40, 3)).astype(np.float32) if has_mean_image else None
    preprocessing = Preprocessing(
        resize_px=40, crop_px=31, channels=channels, mean=(120, 110, 90), std=(60, 55, 50)
    )
    settings = Augmentation(crop=crop, crop_area=0.1, pca_color=0.1, brightness=0.2, contrast=0.3)
    plan = augmentation.training_plan(
        settings, preprocessing, COLORS, seed=0, epoch=0, samples=np.arange(6)
    )
    expected = np.empty((6, 31, 31, 1 if channels == "gray" else 3), np.float32)
    augmentation.apply(plan, list(squares), preprocessing, out=expected, mean_image=mean)
    result = apply_on_device(
        plan,
        torch.from_numpy(squares).to(device),
        preprocessing,
        None if mean is None else torch.from_numpy(mean).to(device),
    )
    assert result.device.type == device
    assert result.is_contiguous(memory_format=torch.channels_last)
    tolerance = LEVELS * float(plan.gain.max()) / 50
    np.testing.assert_allclose(
        result.cpu().numpy(), expected.transpose(0, 3, 1, 2), rtol=1e-5, atol=tolerance
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [1, 4, 5, 40])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-11), (torch.float32, 1e-5), (torch.bfloat16, 2**-7), (torch.float16, 1e-3)],
)
def test_lrn_equals_the_oracle_forward_and_backward(
    dtype: torch.dtype, tolerance: float, size: int, layout: torch.memory_format, device: str
) -> None:
    constants = {"size": size, "alpha": 0.3, "beta": 0.75, "k": 1.0}
    generator = torch.Generator().manual_seed(0)
    values, grad = (torch.randn(4, 7, 5, 3, generator=generator).to(dtype) for _ in range(2))
    x = values.clone().to(device, memory_format=layout).requires_grad_()
    y = LocalResponseNorm(**constants)(x)
    y.backward(grad.to(device, memory_format=layout))
    assert x.grad is not None
    assert y.dtype == x.grad.dtype == dtype
    wide, wide_grad = values.double().numpy(), grad.double().numpy()
    expected = oracle.lrn(wide, **constants, divided=False)
    assert relative(y.detach().cpu().double().numpy(), expected) < tolerance
    expected = oracle.lrn_gradient(wide, wide_grad, **constants, divided=False)
    assert relative(x.grad.cpu().double().numpy(), expected) < tolerance


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("optimizer", ["sgd", "sgd-2012", "adam"])
def test_half_precision_trains(optimizer: str, precision: str, device: str) -> None:
    """In float16 the first gradients overflow, and the step is skipped."""
    net = architecture("paper", **SMALL | {"num_classes": 2}, init="kaiming")
    network = network_on(device, net)
    settings = recipe("fast", optimizer=optimizer, label_smoothing=0.0)
    trainer = Trainer(network, settings, precision=precision)
    labels = np.arange(8, dtype=np.int64) % 2
    images = images_for(network, 8)
    for image, label in zip(images, labels, strict=True):
        image[..., 0] = 200 * label
    plan = augmentation.view_plan(network.preprocessing, 8)
    lr = 1e-3 if optimizer == "adam" else 0.005
    losses = [trainer.step(images, labels, plan, lr=lr, seed=step)[0] for step in range(60)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert all(np.isfinite(array).all() for array in trainer.weights().values())


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return red_and_blue(tmp_path_factory.mktemp("data") / "colors")


class StopsAt(Observer):
    """Sends this process a signal after a step, as Ctrl-C does."""

    def __init__(self, epoch: int, step: int) -> None:
        self._place = (epoch, step)

    def step(self, *, epoch: int, step: int, **_: Any) -> None:
        if (epoch, step) == self._place:
            os.kill(os.getpid(), signal.SIGINT)


def trained(
    data: Path, folder: Path, device: str, observer: Observer | None = None, **changes: Any
) -> TrainingResult:
    precision = changes.pop("precision", "fp32")
    settings = {"epochs": 3, "batch_size": 8, "image_size": None} | changes
    return train(
        data,
        changes={"widths": 8, "hidden": 16, "image_size": 63},
        recipe=recipe("fast", **settings),
        compute=Compute(device=device, precision=precision),
        output_dir=folder,
        observer=observer,
    )


def curve(folder: Path) -> np.ndarray:
    """Training and validation loss of each epoch, (epochs, 2)."""
    with (folder / METRICS).open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row["train_loss"]), float(row["val_loss"])] for row in rows])


@pytest.mark.parametrize(
    ("optimizer", "precision"), [("sgd", "fp32"), ("sgd", "fp16"), ("adam", "fp16")]
)
def test_resume_continues_the_curve(
    optimizer: str, precision: str, device: str, colors: Path, tmp_path: Path
) -> None:
    """A fused optimizer's state, laid out in memory as on the device, and the loss scale."""
    settings = {"optimizer": optimizer, "precision": precision, "lr": 1e-3}
    trained(colors, tmp_path / "whole", device, **settings)
    with pytest.raises(TrainingInterrupted):
        trained(colors, tmp_path / "stopped", device, StopsAt(1, 3), **settings)
    resume(tmp_path / "stopped")
    whole, resumed = curve(tmp_path / "whole"), curve(tmp_path / "stopped")
    np.testing.assert_allclose(resumed, whole, rtol=LOSS if precision == "fp32" else 0.02)
    last = weights.read(tmp_path / "stopped" / LAST)
    assert all(np.isfinite(array).all() for array in last.values())
    if device == "cpu":
        for name in (BEST, LAST, METRICS):
            files = [tmp_path / run / name for run in ("whole", "stopped")]
            assert files[0].read_bytes() == files[1].read_bytes()


def test_predictions_and_figures_equal_the_cpus(device: str, colors: Path, tmp_path: Path) -> None:
    run = trained(colors, tmp_path / "run", device, normalization="per_pixel", crop="random").run
    result, expected = (
        list(predict(run, [colors / "val"], crops=10, compute=Compute(device=name)))
        for name in (device, "cpu")
    )
    assert len(result) == 16
    for ours, theirs in zip(result, expected, strict=True):
        assert (ours.path, ours.error) == (theirs.path, None)
        probabilities = [dict(zip(p.classes, p.probabilities, strict=True)) for p in (ours, theirs)]
        assert probabilities[0] == pytest.approx(probabilities[1], abs=1e-3)
    metrics = [
        evaluate(run, colors, compute=Compute(device=name), output_dir=tmp_path / f"on-{i}").metrics
        for i, name in enumerate((device, "cpu"))
    ]
    assert metrics[0].loss == pytest.approx(metrics[1].loss, rel=LOSS)
    assert metrics[0].top1 == pytest.approx(metrics[1].top1, abs=1.01 / 16)


def test_grad_cam_equals_the_cpus(device: str, colors: Path, tmp_path: Path) -> None:
    run = trained(colors, tmp_path / "run", device, epochs=1).run
    result, expected = (
        compute_grad_cam(
            run,
            [colors / "val"],
            max_images=4,
            class_name="red",
            compute=Compute(device=name),
        )
        for name in (device, "cpu")
    )
    assert len(result.maps) == 4
    for ours, theirs in zip(result.maps, expected.maps, strict=True):
        assert ours.probability == pytest.approx(theirs.probability, abs=1e-3)
        np.testing.assert_allclose(ours.heatmap, theirs.heatmap, atol=0.01)
