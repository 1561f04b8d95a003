"""Crops, mirrors and color changes of a batch: what is done is data, one plan for every device.

A `Plan` says for each image which box is cut out, whether it is flipped and how its colors
change. `apply` carries it out on the CPU; `alexnet.torch.augment` does the same on a GPU.
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
from alexnet.data.rng import uniforms

_Value = TypeVar("_Value", np.uint8, np.float32)

_SHARE = 8
"""Images that a thread takes at a time."""

_DRAWS = 10
"""Uniform numbers for each image: four for its box, one for the mirror, three for the noise
along the principal colors, two for brightness and contrast."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in gray, ITU-R BT.601."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to each image of a batch of N kept squares."""

    boxes: NDArray[np.int64]
    """(N, 4): top, left, height, width, in pixels; scaled to the image size where it differs."""
    flipped: NDArray[np.bool_]
    """(N,)"""
    gain: NDArray[np.float32]
    """(N, 3): a value v of channel c (red, green, blue; 0 to 255) becomes v * gain + shift."""
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
    """The plan of these samples in this epoch, a function of seed, epoch and sample."""
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
    """The plan of one view for `count` images: 0 the center crop, up to 9 of the paper's ten.

    Views 1 to 4 are the corners; 5 to 9 are views 0 to 4 flipped (paper, section 4.1).
    """
    # --8<-- [start:paper-4-1-views]
    room = preprocessing.resize_px - preprocessing.crop_px
    places = [(room // 2, room // 2), (0, 0), (0, room), (room, 0), (room, room)]
    box = (*places[view % 5], preprocessing.crop_px, preprocessing.crop_px)
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
    """Carry out a plan on kept squares (resize_px, resize_px, 3), RGB.

    Args:
        out: where the batch is written, (N, crop_px, crop_px, channels).
        mean_image: subtracted in place of the channels' means, (resize_px, resize_px, 3).
        pool: threads that share the images.

    Returns:
        `out`.
    """
    subtracted, factors = scaling(plan, preprocessing, has_mean_image=mean_image is not None)
    scales = list(zip(subtracted.tolist(), factors.tolist(), strict=True))

    def some(places: range) -> None:
        for i in places:
            _apply_one(plan, i, images[i], scales[i], preprocessing, out[i], mean_image)

    for _ in (pool.map if pool else map)(some, _shares(len(images))):
        pass
    return out


def scaling(
    plan: Plan, preprocessing: Preprocessing, *, has_mean_image: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A value v of a channel becomes (v - a) * b: a and b, (N, 3) each."""
    mean = np.zeros(3) if has_mean_image else np.broadcast_to(preprocessing.mean, (3,))
    gain = plan.gain.astype(np.float64)
    return (mean - plan.shift) / gain, gain / np.broadcast_to(preprocessing.std, (3,))


def _shares(count: int) -> list[range]:
    """Runs of places for the threads: large enough that handing them out costs nothing."""
    return [range(start, min(start + _SHARE, count)) for start in range(0, count, _SHARE)]


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

    Values are scaled before the crop is resized: there are fewer of them, and OpenCV resizes
    float32 faster than bytes and without rounding in between.
    """
    cv2 = _opencv()
    size, direct = preprocessing.crop_px, preprocessing.channels == "rgb"
    crop = _cut(image, plan, i)
    height, width = crop.shape[:2]
    is_sized = (height, width) == (size, size)
    # OpenCV wants a number for each of four channels, whatever their number is.
    subtracted: Any = (*scale[0], 0.0)
    target = out if direct and is_sized else None
    values: Any = cv2.subtract(crop, subtracted, dst=target, dtype=cv2.CV_32F)
    if mean_image is not None:
        # --8<-- [start:paper-2-mean]
        values -= _cut(mean_image, plan, i) / plan.gain[i]
        # --8<-- [end:paper-2-mean]
    rows = values.reshape(height, -1)
    rows *= np.tile(np.asarray(scale[1], np.float32), width)
    if not is_sized:
        target = out if direct else None
        values = cv2.resize(values, (size, size), dst=target, interpolation=cv2.INTER_LINEAR)
    if preprocessing.channels == "bgr":
        out[:] = values[..., ::-1]
    elif preprocessing.channels == "gray":
        out[:] = (values @ LUMA)[..., None]


@functools.cache
def _opencv() -> Any:
    """OpenCV, imported when it is needed, on one thread: the images are shared among ours."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


def _cut(image: NDArray[_Value], plan: Plan, i: int) -> Any:
    """The box of image i, flipped where the plan says so."""
    top, left, height, width = plan.boxes[i].tolist()
    box = image[top : top + height, left : left + width]
    return _opencv().flip(box, 1) if plan.flipped[i] else box


def _boxes(
    settings: Augmentation, preprocessing: Preprocessing, draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The boxes of a batch, (N, 4): top, left, height, width."""
    if settings.crop == "resized":
        return _resized_boxes(settings, preprocessing, draws)
    if settings.crop == "center":
        return view_plan(preprocessing, len(draws)).boxes
    # --8<-- [start:paper-4-1-crop]
    size = preprocessing.crop_px
    places = np.floor(draws[:, :2] * (preprocessing.resize_px - size + 1))
    return np.concatenate([places, np.full_like(places, size)], axis=1).astype(np.int64)
    # --8<-- [end:paper-4-1-crop]


def _resized_boxes(
    settings: Augmentation, preprocessing: Preprocessing, draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Boxes of random area and ratio that fit into the square, at random places."""
    side = preprocessing.resize_px
    area = settings.crop_area + (1 - settings.crop_area) * draws[:, 2]
    # The ratio is drawn evenly on a log scale, within what leaves the box inside the square.
    limit = np.minimum(np.log(settings.crop_ratio), -np.log(area))
    root = np.exp(0.5 * limit * (2 * draws[:, 3] - 1))
    height = np.clip(np.rint(side * np.sqrt(area) / root), 1, side)
    width = np.clip(np.rint(side * np.sqrt(area) * root), 1, side)
    top = np.floor(draws[:, 0] * (side - height + 1))
    left = np.floor(draws[:, 1] * (side - width + 1))
    return np.stack([top, left, height, width], axis=1).astype(np.int64)


def _normals(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normally distributed numbers from uniform ones in [0, 1)."""
    from scipy.special import ndtri

    normals: NDArray[np.float64] = ndtri(draws + 2.0**-54)
    return normals
