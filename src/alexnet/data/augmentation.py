"""Data augmentation: random crops, horizontal flips and color jitter, drawn as a `Plan`.

A `Plan` holds the crop, the flip and the color change of each image of a batch. `apply` carries
it out on the CPU; `alexnet.torch.augmentation` does the same on a GPU.
"""

import functools
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from alexnet.config.hyperparameters import Augmentation
from alexnet.config.preprocessing import ColorStatistics, Preprocessing
from alexnet.data.gray import LUMA
from alexnet.data.rng import uniforms

_Value = TypeVar("_Value", np.uint8, np.float32)

_CHUNK = 8
"""Images that a thread processes at a time."""

_DRAWS = 10
"""Uniform numbers per image: four for its box, one for the flip, three for the noise along the
principal components of the colors, two for brightness and contrast."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The crop, flip and color change of each of N stored images (resize_px, resize_px, 3)."""

    boxes: NDArray[np.int64]
    """(N, 4): top, left, height, width in pixels; resized to crop_px if the size differs."""
    flipped: NDArray[np.bool_]
    """(N,): whether the crop is flipped horizontally."""
    gain: NDArray[np.float32]
    """(N, 3): a value v (0 to 255) of red, green or blue becomes v * gain + shift."""
    shift: NDArray[np.float32]
    """(N, 3)"""


def training_plan(
    settings: Augmentation,
    preprocessing: Preprocessing,
    colors: ColorStatistics,
    *,
    seed: int,
    epoch: int,
    samples: NDArray[np.int64],
) -> Plan:
    """Draw the plan of these samples in this epoch, a function of seed, epoch and sample.

    Args:
        settings: which augmentations, and how strong.
        preprocessing: sizes of the stored images and of the crops.
        colors: statistics of the training set, for the color changes.
        samples: (N,): index of each sample in the dataset.
    """
    draws = uniforms(seed, epoch, samples, _DRAWS)
    count = len(samples)
    gain, shift = np.ones((count, 3)), np.zeros((count, 3))
    if settings.pca_color:
        # --8<-- [start:paper-4-1-color]
        shift += settings.pca_color * _normals(draws[:, 5:8]) @ np.asarray(colors.axes)
        # --8<-- [end:paper-4-1-color]
    if settings.brightness or settings.contrast:
        contrast = 1 + settings.contrast * (2 * draws[:, 8:9] - 1)
        brightness = 1 + settings.brightness * (2 * draws[:, 9:10] - 1)
        gray = np.mean(colors.mean)
        shift = brightness * (shift * contrast + gray * (1 - contrast))
        gain = gain * contrast * brightness
    return Plan(
        boxes=_boxes(settings, preprocessing, draws),
        # --8<-- [start:paper-4-1-mirror]
        flipped=(draws[:, 4] < 0.5) & settings.horizontal_flip,
        # --8<-- [end:paper-4-1-mirror]
        gain=gain.astype(np.float32),
        shift=shift.astype(np.float32),
    )


def view_plan(preprocessing: Preprocessing, count: int, view: int = 0) -> Plan:
    """Return the plan of one of the paper's ten crops for `count` images.

    View 0 is the center crop and views 1 to 4 are the corners; views 5 to 9 are views 0 to 4
    flipped (paper, section 4.1).
    """
    # --8<-- [start:paper-4-1-views]
    margin = preprocessing.resize_px - preprocessing.crop_px
    corners = [(0, 0), (0, margin), (margin, 0), (margin, margin)]
    offsets = [(margin // 2, margin // 2), *corners]
    box = (*offsets[view % 5], preprocessing.crop_px, preprocessing.crop_px)
    # --8<-- [end:paper-4-1-views]
    return Plan(
        boxes=np.tile(np.array(box, np.int64), (count, 1)),
        flipped=np.full(count, view >= 5),
        gain=np.ones((count, 3), np.float32),
        shift=np.zeros((count, 3), np.float32),
    )


def apply(
    plan: Plan,
    images: Sequence[NDArray[np.uint8]],
    preprocessing: Preprocessing,
    *,
    out: NDArray[np.float32],
    mean_image: NDArray[np.float32] | None = None,
    pool: Executor | None = None,
) -> NDArray[np.float32]:
    """Augment, crop and normalize stored images (resize_px, resize_px, 3), RGB.

    Args:
        out: array for the batch, (N, crop_px, crop_px, channels).
        mean_image: subtracted instead of the channel means, (resize_px, resize_px, 3).
        pool: threads to use; the calling thread if None.

    Returns:
        `out`.
    """
    subtracted, factors = scaling(plan, preprocessing, has_mean_image=mean_image is not None)
    scales = list(zip(subtracted.tolist(), factors.tolist(), strict=True))

    def apply_chunk(chunk: range) -> None:
        for i in chunk:
            _apply_one(plan, i, images[i], scales[i], preprocessing, out[i], mean_image)

    for _ in (pool.map if pool else map)(apply_chunk, _chunks(len(images))):
        pass
    return out


def scaling(
    plan: Plan, preprocessing: Preprocessing, *, has_mean_image: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a and b, (N, 3) each: a value v of a channel becomes (v - a) * b."""
    mean = np.zeros(3) if has_mean_image else np.broadcast_to(preprocessing.mean, (3,))
    gain = plan.gain.astype(np.float64)
    return (mean - plan.shift) / gain, gain / np.broadcast_to(preprocessing.std, (3,))


def _chunks(count: int) -> list[range]:
    """Split the indices into chunks large enough that scheduling them costs nothing."""
    return [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]


def _apply_one(
    plan: Plan,
    i: int,
    image: NDArray[np.uint8],
    scale: tuple[Sequence[float], Sequence[float]],
    preprocessing: Preprocessing,
    out: NDArray[np.float32],
    mean_image: NDArray[np.float32] | None,
) -> None:
    """Crop, scale and resize one image into `out`.

    Values are scaled before the crop is resized: OpenCV resizes float32 faster than bytes, and
    without rounding in between.
    """
    cv2 = _opencv()
    size, is_rgb = preprocessing.crop_px, preprocessing.channels == "rgb"
    crop = _crop(image, plan, i)
    height, width = crop.shape[:2]
    is_sized = (height, width) == (size, size)
    # OpenCV expects a scalar of four channels for any number of channels.
    subtracted: Any = (*scale[0], 0.0)
    target = out if is_rgb and is_sized else None
    values: Any = cv2.subtract(crop, subtracted, dst=target, dtype=cv2.CV_32F)
    if mean_image is not None:
        # --8<-- [start:paper-2-mean]
        values -= _crop(mean_image, plan, i) / plan.gain[i]
        # --8<-- [end:paper-2-mean]
    rows = values.reshape(height, -1)
    rows *= np.tile(np.asarray(scale[1], np.float32), width)
    if not is_sized:
        target = out if is_rgb else None
        values = cv2.resize(values, (size, size), dst=target, interpolation=cv2.INTER_LINEAR)
    if preprocessing.channels == "bgr":
        out[:] = values[..., ::-1]
    elif preprocessing.channels == "gray":
        out[:] = (values @ LUMA)[..., None]


@functools.cache
def _opencv() -> Any:
    """Import OpenCV lazily, on one thread: the caller's threads share the images."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


def _crop(image: NDArray[_Value], plan: Plan, i: int) -> Any:
    """Return the crop of image i, flipped if the plan flips it."""
    top, left, height, width = plan.boxes[i].tolist()
    box = image[top : top + height, left : left + width]
    return _opencv().flip(box, 1) if plan.flipped[i] else box


def _boxes(
    settings: Augmentation, preprocessing: Preprocessing, draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the boxes of a batch, (N, 4): top, left, height, width."""
    if settings.crop == "resized":
        return _resized_boxes(settings, preprocessing, draws)
    if settings.crop == "center":
        return view_plan(preprocessing, len(draws)).boxes
    # --8<-- [start:paper-4-1-crop]
    size = preprocessing.crop_px
    offsets = np.floor(draws[:, :2] * (preprocessing.resize_px - size + 1))
    return np.concatenate([offsets, np.full_like(offsets, size)], axis=1).astype(np.int64)
    # --8<-- [end:paper-4-1-crop]


def _resized_boxes(
    settings: Augmentation, preprocessing: Preprocessing, draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return boxes of random area and aspect ratio at random positions in the stored image."""
    side = preprocessing.resize_px
    area = settings.crop_area + (1 - settings.crop_area) * draws[:, 2]
    # The ratio is log-uniform, within the limits that keep the box inside the image.
    limit = np.minimum(np.log(settings.crop_ratio), -np.log(area))
    root = np.exp(0.5 * limit * (2 * draws[:, 3] - 1))
    height = np.clip(np.rint(side * np.sqrt(area) / root), 1, side)
    width = np.clip(np.rint(side * np.sqrt(area) * root), 1, side)
    top = np.floor(draws[:, 0] * (side - height + 1))
    left = np.floor(draws[:, 1] * (side - width + 1))
    return np.stack([top, left, height, width], axis=1).astype(np.int64)


def _normals(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map uniform numbers in [0, 1) to standard normal ones."""
    from scipy.special import ndtri

    normals: NDArray[np.float64] = ndtri(draws + 2.0**-54)
    return normals
