"""Crops, mirrors and colour changes of a batch: what is done is data, one plan for every device.

A `Plan` says for each picture which box is cut out, whether it is mirrored and how its colours
change. `apply` carries it out on the CPU; `alexnet.torch.augment` does the same on a GPU.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from alexnet.data.random import uniforms
from alexnet.preprocessing import Preprocessing
from alexnet.recipe import Augmentation

_Value = TypeVar("_Value", np.uint8, np.float32)

_DRAWS = 10
"""Uniform numbers for each picture: four for its box, one for the mirror, three for the noise
along the principal colours, two for brightness and contrast."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey, ITU-R BT.601."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to each picture of a batch of N kept squares."""

    boxes: NDArray[np.int64]
    """(N, 4): top, left, height, width, in pixels; scaled to the picture size where it differs."""
    mirrored: NDArray[np.bool_]
    """(N,)"""
    gain: NDArray[np.float32]
    """(N, 3): a value v of channel c (red, green, blue; 0 to 255) becomes v * gain + shift."""
    shift: NDArray[np.float32]
    """(N, 3)"""


@dataclass(frozen=True, kw_only=True)
class ColourStatistics:
    """Of the training pictures, in red, green and blue from 0 to 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    axes: tuple[tuple[float, float, float], ...]
    """(3, 3): row i is eigenvector i of the covariance, times the root of its eigenvalue."""


def training_plan(
    settings: Augmentation,
    preprocessing: Preprocessing,
    colours: ColourStatistics,
    *,
    seed: int,
    epoch: int,
    samples: NDArray[np.int64],
) -> Plan:
    """The plan of these samples in this epoch, a function of seed, epoch and sample."""
    draws = uniforms(seed, epoch, samples, _DRAWS)
    count = len(samples)
    gain, shift = np.ones((count, 3)), np.zeros((count, 3))
    if settings.pca_colour:
        shift += settings.pca_colour * _normals(draws[:, 5:8]) @ np.asarray(colours.axes)
    if settings.brightness or settings.contrast:
        contrast = 1 + settings.contrast * (2 * draws[:, 8:9] - 1)
        brightness = 1 + settings.brightness * (2 * draws[:, 9:10] - 1)
        grey = np.mean(colours.mean)
        shift = brightness * (shift * contrast + grey * (1 - contrast))
        gain = gain * contrast * brightness
    return Plan(
        boxes=_boxes(settings, preprocessing, draws),
        mirrored=(draws[:, 4] < 0.5) & settings.mirror,
        gain=gain.astype(np.float32),
        shift=shift.astype(np.float32),
    )


def view_plan(preprocessing: Preprocessing, count: int, view: int = 0) -> Plan:
    """The plan of one view for `count` pictures: 0 the centre crop, up to 9 of the paper's ten.

    Views 1 to 4 are the corners; 5 to 9 are views 0 to 4 mirrored (paper, section 4.1).
    """
    room = preprocessing.resize_px - preprocessing.crop_px
    places = [(room // 2, room // 2), (0, 0), (0, room), (room, 0), (room, room)]
    box = (*places[view % 5], preprocessing.crop_px, preprocessing.crop_px)
    return Plan(
        boxes=np.tile(np.array(box, np.int64), (count, 1)),
        mirrored=np.full(count, view >= 5),
        gain=np.ones((count, 3), np.float32),
        shift=np.zeros((count, 3), np.float32),
    )


def apply(
    plan: Plan,
    pictures: Sequence[NDArray[np.uint8]],
    preprocessing: Preprocessing,
    *,
    out: NDArray[np.float32],
    mean_picture: NDArray[np.float32] | None = None,
    pool: Executor | None = None,
) -> NDArray[np.float32]:
    """Carry out a plan on kept squares (resize_px, resize_px, 3), RGB.

    Args:
        out: where the batch is written, (N, crop_px, crop_px, channels).
        mean_picture: subtracted in place of the channels' means, (resize_px, resize_px, 3).
        pool: threads that share the pictures.

    Returns:
        `out`.
    """
    tables = value_tables(plan, preprocessing, has_mean_picture=mean_picture is not None)

    def one(i: int) -> None:
        _apply_one(plan, i, pictures[i], tables[i], preprocessing, out[i], mean_picture)

    for _ in (pool.map if pool else map)(one, range(len(pictures))):
        pass
    return out


def value_tables(
    plan: Plan, preprocessing: Preprocessing, *, has_mean_picture: bool = False
) -> NDArray[np.float32]:
    """What each of the values 0 … 255 of each channel becomes, (N, 1, 256, 3)."""
    mean, std = _rgb(preprocessing.mean), _rgb(preprocessing.std)
    offset = plan.shift if has_mean_picture else plan.shift - mean
    values = np.arange(256, dtype=np.float32)[:, None]
    gain, offset = plan.gain[:, None, None, :], offset[:, None, None, :]
    return np.asarray((values * gain + offset) / std, np.float32)


def _rgb(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.broadcast_to(np.asarray(values, np.float32), (3,))


def _apply_one(
    plan: Plan,
    i: int,
    picture: NDArray[np.uint8],
    table: NDArray[np.float32],
    preprocessing: Preprocessing,
    out: NDArray[np.float32],
    mean_picture: NDArray[np.float32] | None,
) -> None:
    import cv2

    size = preprocessing.crop_px
    is_rgb = preprocessing.channels == "rgb"
    cropped = _crop(picture, plan.boxes[i], size, mirrored=bool(plan.mirrored[i]))
    values: Any = cv2.LUT(cropped, table, out if is_rgb else None)
    if mean_picture is not None:
        means = _crop(mean_picture, plan.boxes[i], size, mirrored=bool(plan.mirrored[i]))
        values -= means / _rgb(preprocessing.std)
    if preprocessing.channels == "bgr":
        out[:] = values[..., ::-1]
    elif preprocessing.channels == "grey":
        out[:] = (values @ LUMA)[..., None]


def _crop(
    picture: NDArray[_Value], box: NDArray[np.int64], size: int, *, mirrored: bool
) -> NDArray[_Value]:
    import cv2

    top, left, height, width = box.tolist()
    cropped: Any = picture[top : top + height, left : left + width]
    if (height, width) != (size, size):
        cropped = cv2.resize(cropped, (size, size), interpolation=cv2.INTER_LINEAR)
    return cv2.flip(cropped, 1) if mirrored else cropped  # type: ignore[no-any-return]


def _boxes(
    settings: Augmentation, preprocessing: Preprocessing, draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The boxes of a batch, (N, 4): top, left, height, width."""
    if settings.crop == "resized":
        return _resized_boxes(settings, preprocessing, draws)
    if settings.crop == "centre":
        return view_plan(preprocessing, len(draws)).boxes
    size = preprocessing.crop_px
    places = np.floor(draws[:, :2] * (preprocessing.resize_px - size + 1))
    return np.concatenate([places, np.full_like(places, size)], axis=1).astype(np.int64)


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
