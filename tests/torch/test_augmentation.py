"""Augmentation by PyTorch matches augmentation on the CPU."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet.config.hyperparameters import Augmentation
from alexnet.config.preprocessing import ColorStatistics, Preprocessing
from alexnet.data import augmentation
from alexnet.data.augmentation import Plan
from alexnet.torch.augmentation import apply

COLORS = ColorStatistics(
    mean=(120.0, 115.0, 95.0),
    std=(60.0, 55.0, 50.0),
    axes=((9.0, 8.0, 7.0), (-3.0, 0.5, 3.3), (1.0, -2.0, 1.2)),
)
# OpenCV rounds the result of a resize to an integer level (0.5), before that the terms of both rows
# down to a quarter of a level (2 * 0.25), and the two weights of each direction to 1 / 2048
# (4 * 255 / 4096 at most).
LEVELS = 0.5 + 2 * 0.25 + 4 * 255 / 4096


def apply_on_cpu(
    plan: Plan, stored: np.ndarray, preprocessing: Preprocessing, means: np.ndarray | None
) -> np.ndarray:
    size = preprocessing.crop_px
    channels = 1 if preprocessing.channels == "gray" else 3
    out = np.empty((len(stored), size, size, channels), np.float32)
    augmentation.apply(plan, list(stored), preprocessing, out=out, mean_image=means)
    return out.transpose(0, 3, 1, 2)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(
    stored_px=st.integers(2, 40),
    size=st.integers(1, 40),
    crop=st.sampled_from(["resized", "random", "center"]),
    channels=st.sampled_from(["rgb", "bgr", "gray"]),
    has_mean_image=st.booleans(),
    seed=st.integers(0, 100),
)
def test_pytorch_makes_the_same_batch_as_opencv(
    stored_px: int, size: int, crop: str, channels: str, has_mean_image: bool, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    stored = generator.integers(0, 256, (5, stored_px, stored_px, 3), np.uint8)
    preprocessing = Preprocessing(
        resize_px=stored_px,
        crop_px=min(size, stored_px),
        channels=channels,
        mean=(120, 110, 90),
        std=(60, 55, 50),
    )
    settings_ = Augmentation(crop=crop, crop_area=0.1, pca_color=0.1, brightness=0.2, contrast=0.3)
    samples = np.arange(5, dtype=np.int64)
    plan = augmentation.training_plan(
        settings_, preprocessing, COLORS, seed=seed, epoch=0, samples=samples
    )
    means = (
        generator.uniform(80, 150, (stored_px, stored_px, 3)).astype(np.float32)
        if has_mean_image
        else None
    )
    on_device = apply(
        plan,
        torch.from_numpy(stored),
        preprocessing,
        None if means is None else torch.from_numpy(means),
    )
    assert on_device.dtype == torch.float32
    assert on_device.is_contiguous(memory_format=torch.channels_last)
    tolerance = LEVELS * plan.gain.max() / 50
    expected = apply_on_cpu(plan, stored, preprocessing, means)
    np.testing.assert_allclose(on_device.numpy(), expected, rtol=1e-5, atol=tolerance)


@pytest.mark.parametrize("view", range(10))
def test_views_of_the_image_size_differ_by_rounding_only(view: int) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    preprocessing = Preprocessing(resize_px=32, crop_px=27, mean=(0.0,) * 3, std=(1.0,) * 3)
    plan = augmentation.view_plan(preprocessing, 2, view)
    on_device = apply(plan, torch.from_numpy(stored), preprocessing).numpy()
    np.testing.assert_allclose(
        on_device, apply_on_cpu(plan, stored, preprocessing, None), atol=0.01
    )


def test_pixels_outside_the_box_do_not_contribute() -> None:
    stored = np.full((1, 30, 30, 3), 255, np.uint8)
    stored[:, 10:15, 8:18] = 0
    preprocessing = Preprocessing(resize_px=30, crop_px=25, mean=(0.0,) * 3, std=(1.0,) * 3)
    plan = dataclasses.replace(
        augmentation.view_plan(preprocessing, 1), boxes=np.array([[10, 8, 5, 10]], np.int64)
    )
    assert apply(plan, torch.from_numpy(stored), preprocessing).abs().max() < 0.01
    assert apply_on_cpu(plan, stored, preprocessing, None).max() == 0
