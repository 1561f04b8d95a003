"""Everything that the benchmark uses of the project, so that a change of names is made here."""

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alexnet import Architecture, architecture, data, training, variants, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import recipe
from alexnet.config.preprocessing import Preprocessing, resize_px_for
from alexnet.data.augmentation import ColorStatistics, training_plan
from alexnet.data.rng import permutation
from alexnet.history import Epoch, Times
from alexnet.torch import LocalResponseNorm
from alexnet.torch.augmentation import apply as augment_on_device
from alexnet.torch.device import autocast_type
from alexnet.torch.inference import TorchInferenceModel
from alexnet.torch.trainer import Trainer

__all__ = [
    "CACHE_VARIABLE",
    "Architecture",
    "EndToEnd",
    "Prepared",
    "TorchInferenceModel",
    "Trainer",
    "augment",
    "build",
    "feed",
    "initial_weights",
    "lrn",
    "macs",
    "make_batch",
    "make_trainer",
    "open_inference_model",
    "prepare",
    "train_folder",
    "training_step",
    "variants",
]

CACHE_VARIABLE = "ALEXNET_CACHE_DIR"


def build(variant: str, **changes: Any) -> Architecture:
    """The architecture of a variant with some fields changed."""
    return architecture(variant, **changes)


def macs(net: Architecture) -> tuple[int, int]:
    """Multiply-accumulates of one image: forward, and in a training step.

    Backward needs as many for the weights and as many for the inputs of each layer, except for
    the input of the first layer, which is the image.
    """
    each = [step.macs for step in net.trace()]
    return sum(each), 3 * sum(each) - each[0]


def initial_weights(net: Architecture) -> dict[str, np.ndarray]:
    """The seeded initial weights by canonical name."""
    return weights.initial(net, 0)


def open_inference_model(
    net: Architecture, arrays: dict[str, np.ndarray], device: torch.device
) -> TorchInferenceModel:
    """The network with these weights on a device."""
    side = net.image_size
    preprocessing = Preprocessing(resize_px=resize_px_for(side), crop_px=side)
    return TorchInferenceModel(net, arrays, preprocessing, device=str(device))


def feed(network: TorchInferenceModel, batch: torch.Tensor) -> None:
    """Have the network take this batch in place of what it is given: nothing is loaded."""
    network.batch = lambda _images, _plan: batch


def make_trainer(network: TorchInferenceModel, precision: str, **settings: Any) -> Trainer:
    """The project's trainer with the default recipe in a precision, `fp32` or `bf16`."""
    return Trainer(network, recipe("fast", **settings), precision=precision)


def training_step(
    trainer: Trainer, labels: np.ndarray, *, lr: float = 1e-5, seed: int = 0
) -> float:
    """One step on the batch that `feed` set; returns the loss."""
    return trainer.step([], labels, None, lr=lr, seed=seed)[0]  # type: ignore[arg-type]


def lrn(**constants: Any) -> torch.nn.Module:
    """Local response normalization by the paper's formula."""
    return LocalResponseNorm(**constants)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EndToEnd:
    """What a training on a folder of images showed."""

    net: Architecture
    precision: str
    """What `auto` was on this device."""
    epoch_rates: tuple[float, ...]
    """Training images per second of each epoch, without validation."""
    losses: tuple[float, ...]


class _Rates(training.Observer):
    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        self.rates.append(times.images_per_second)
        self.losses.append(epoch.train_loss)


def train_folder(
    folder: Path, variant: str, device: torch.device, changes: dict[str, Any], **settings: Any
) -> EndToEnd:
    """Train as `alexnet train` does, in a temporary run folder."""
    observer = _Rates()
    image_size = settings.pop("image_size")
    chosen = recipe("fast", image_size=image_size, init="kaiming", **settings)
    with tempfile.TemporaryDirectory() as run:
        outcome = training.train(
            folder,
            variant=variant,
            changes=changes,
            recipe=chosen,
            compute=Compute(device=str(device)),
            output_dir=Path(run) / "run",
            observer=observer,
        )
    kind = autocast_type("auto", device)
    return EndToEnd(
        net=outcome.run.architecture,
        precision={None: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[kind],
        epoch_rates=tuple(observer.rates),
        losses=tuple(observer.losses),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """The decoded images of a folder, and how batches of them are made."""

    count: int
    read: Callable[[int, int], list[np.ndarray]]
    """Images of batch number i with n images, shuffled anew in each epoch."""
    plan: Callable[[int], Any]
    """The augmentation of n images."""


def prepare(folder: Path, image_size: int) -> Prepared:
    """Decode the images of a folder into the cache, or find them there."""
    result = data.find(folder)
    samples = result.split("train") + result.split("val")
    store = data.open_store(samples, resize_px_for(image_size))
    preprocessing = Preprocessing(resize_px=store.size_px, crop_px=image_size)
    colors = ColorStatistics(mean=(127.0,) * 3, std=(60.0,) * 3, axes=((0.0,) * 3,) * 3)

    def read(number: int, size: int) -> list[np.ndarray]:
        per_epoch = max(len(store.rows) // size, 1)
        order = permutation(0, number // per_epoch, len(store.rows))
        start = number % per_epoch * size
        return store.read(store.rows[order[start : start + size]])

    def plan(size: int) -> Any:
        return training_plan(
            recipe("fast"), preprocessing, colors, seed=0, epoch=0, samples=np.arange(size)
        )

    return Prepared(count=len(store.rows), read=read, plan=plan)


def augment(network: TorchInferenceModel, plan: Any, images: torch.Tensor) -> torch.Tensor:
    """The augmentation as a GPU makes it, of decoded images on their device."""
    return augment_on_device(plan, images, network.preprocessing)


def make_batch(
    network: TorchInferenceModel, images: Sequence[np.ndarray], plan: Any
) -> torch.Tensor:
    """A batch as training makes it, on the network's device."""
    return network.batch(images, plan)
