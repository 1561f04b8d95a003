"""Plans respect their settings, and `apply` matches a float64 reference."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from alexnet.config.hyperparameters import Augmentation, recipe
from alexnet.config.preprocessing import ColorStatistics, Preprocessing
from alexnet.data.augmentation import Plan, apply, training_plan, view_plan

from .. import oracle

AXES = ((9.0, 8.0, 7.0), (-3.0, 0.5, 3.3), (1.0, -2.0, 1.2))
COLORS = ColorStatistics(mean=(120.0, 115.0, 95.0), std=(60.0, 55.0, 50.0), axes=AXES)
RAW = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
LUMA = np.array([0.299, 0.587, 0.114])


def plan_of(
    augmentation: Augmentation, preprocessing: Preprocessing, count: int = 2000, **key: int
) -> Plan:
    seed_and_epoch = {"seed": 0, "epoch": 0} | key
    samples = np.arange(count, dtype=np.int64)
    return training_plan(augmentation, preprocessing, COLORS, samples=samples, **seed_and_epoch)


def plain_plan(boxes: list[tuple[int, int, int, int]], flipped: list[bool], **color: Any) -> Plan:
    count = len(boxes)
    return Plan(
        boxes=np.array(boxes, np.int64),
        flipped=np.array(flipped),
        gain=np.asarray(color.get("gain", np.ones((count, 3))), np.float32),
        shift=np.asarray(color.get("shift", np.zeros((count, 3))), np.float32),
    )


def images(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


def apply_plan(
    plan: Plan, stored: np.ndarray, preprocessing: Preprocessing, **extra: Any
) -> np.ndarray:
    channels = 1 if preprocessing.channels == "gray" else 3
    size = preprocessing.crop_px
    out = np.full((len(stored), size, size, channels), np.nan, np.float32)
    assert apply(plan, list(stored), preprocessing, out=out, **extra) is out
    return out


def reference(
    plan: Plan,
    stored: np.ndarray,
    preprocessing: Preprocessing,
    mean_image: np.ndarray | None = None,
) -> np.ndarray:
    """Apply a plan in float64, one image at a time, from the definition of the settings."""
    outputs = []
    for i, image in enumerate(stored):
        top, left, height, width = plan.boxes[i]
        cut = (slice(top, top + height), slice(left, left + width))
        values = oracle.resized(image[cut], preprocessing.crop_px)
        mean: Any = np.broadcast_to(preprocessing.mean, (3,))
        if mean_image is not None:
            mean = oracle.resized(mean_image[cut], preprocessing.crop_px)
        values = (values * plan.gain[i] + plan.shift[i] - mean) / np.array(preprocessing.std)
        values = values[:, ::-1] if plan.flipped[i] else values
        if preprocessing.channels == "bgr":
            values = values[..., ::-1]
        elif preprocessing.channels == "gray":
            values = (values @ LUMA)[..., None]
        outputs.append(values)
    return np.array(outputs)


sizes = st.integers(1, 300).flatmap(
    lambda stored_px: st.tuples(st.just(stored_px), st.integers(1, stored_px))
)
keys = st.fixed_dictionaries({"seed": st.integers(0, 2**40), "epoch": st.integers(0, 1000)})


@settings(deadline=None, derandomize=True)
@given(
    px=sizes,
    key=keys,
    crop=st.sampled_from(["resized", "random", "center"]),
    area=st.floats(0.01, 1),
    ratio=st.floats(1, 6),
)
def test_boxes_are_inside_the_image_and_within_the_settings(
    px: tuple[int, int], key: dict[str, int], crop: str, area: float, ratio: float
) -> None:
    stored_px, size = px
    augmentation = Augmentation(crop=crop, crop_area=area, crop_ratio=ratio)
    plan = plan_of(augmentation, Preprocessing(resize_px=stored_px, crop_px=size), 60, **key)
    top, left, height, width = plan.boxes.T
    assert (plan.boxes >= 0).all()
    assert (np.minimum(height, width) >= 1).all()
    assert (top + height <= stored_px).all()
    assert (left + width <= stored_px).all()
    if crop != "resized":
        assert (height == size).all()
        assert (width == size).all()
        return
    # Each side was rounded to whole pixels by at most half a pixel.
    assert ((height + 0.5) * (width + 0.5) >= area * stored_px**2 * (1 - 1e-12)).all()
    narrow, wide = np.minimum(height, width), np.maximum(height, width)
    assert ((wide - 0.5) / (narrow + 0.5) <= ratio * (1 + 1e-12)).all()


def test_resized_crops_use_the_whole_range() -> None:
    augmentation = Augmentation(crop="resized", crop_area=0.25, crop_ratio=2.0)
    boxes = plan_of(augmentation, Preprocessing(resize_px=1000), 20_000).boxes
    top, left, height, width = boxes.T
    area, log_ratio = height * width / 1e6, np.log(width / height)
    assert stats.kstest(area, stats.uniform(0.25, 0.75).cdf).pvalue > 1e-4
    assert np.abs(log_ratio).max() == pytest.approx(np.log(2), abs=0.01)
    assert log_ratio.mean() == pytest.approx(0, abs=0.01)
    small = area < 0.4  # Where the image does not limit the ratio.
    expected = stats.uniform(-np.log(2), 2 * np.log(2))
    assert stats.kstest(log_ratio[small], expected.cdf).pvalue > 1e-4
    positions = [
        start[small] / (1000 - length[small]) for start, length in ((top, height), (left, width))
    ]
    assert all(stats.kstest(position, "uniform").pvalue > 1e-4 for position in positions)
    assert abs(np.corrcoef(positions)[0, 1]) < 5 / np.sqrt(small.sum())


def test_resized_crops_reach_every_edge() -> None:
    augmentation = Augmentation(crop="resized", crop_area=0.3, crop_ratio=1.5)
    plan = plan_of(augmentation, Preprocessing(resize_px=12, crop_px=8), 20_000)
    top, left, height, width = plan.boxes.T
    for start, length in ((top, height), (left, width)):
        for px in np.unique(length):
            counts = np.bincount(start[length == px], minlength=12 - px + 1)
            assert len(counts) == 12 - px + 1
            assert len(counts) == 1 or stats.chisquare(counts).pvalue > 1e-4


def test_random_crops_are_uniform_over_all_positions() -> None:
    """(256 - 224 + 1)^2 positions, including both ends (section 4.1 of the paper)."""
    boxes = plan_of(Augmentation(crop="random"), Preprocessing(), 33 * 300).boxes
    for column in (0, 1):
        counts = np.bincount(boxes[:, column], minlength=33)
        assert len(counts) == 33
        assert stats.chisquare(counts).pvalue > 1e-4


def test_horizontal_flip_flips_half_of_the_images() -> None:
    flipped = plan_of(Augmentation(horizontal_flip=True), Preprocessing(), 10_000).flipped
    assert flipped.mean() == pytest.approx(0.5, abs=0.025)
    assert not plan_of(Augmentation(horizontal_flip=False), Preprocessing()).flipped.any()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(key=keys, order=st.permutations(range(12)), count=st.integers(1, 12))
def test_a_plan_is_a_function_of_seed_epoch_and_sample(
    key: dict[str, int], order: list[int], count: int
) -> None:
    augmentation = Augmentation(pca_color=0.1, brightness=0.2, contrast=0.3)
    whole = plan_of(augmentation, Preprocessing(), 12, **key)
    chosen = np.array(order[:count], np.int64)
    part = training_plan(augmentation, Preprocessing(), COLORS, samples=chosen, **key)
    for field in dataclasses.fields(Plan):
        assert np.array_equal(getattr(part, field.name), getattr(whole, field.name)[chosen])
    for other in ({"seed": key["seed"] + 1}, {"epoch": key["epoch"] + 1}):
        assert not np.array_equal(
            plan_of(augmentation, Preprocessing(), 12, **(key | other)).shift, whole.shift
        )


def test_pca_color_jitter_of_the_paper() -> None:
    """The shift is the sum of alpha_i times axis i, alpha_i normal with deviation 0.1."""
    plan = plan_of(Augmentation(pca_color=0.1), Preprocessing(), 40_000)
    assert (plan.gain == 1).all()
    shift = plan.shift.astype(np.float64)
    axes = np.array(AXES)
    alphas = np.linalg.solve(axes.T, shift.T).T / 0.1
    for alpha in alphas.T:
        assert stats.kstest(alpha[:20_000], "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(alphas.T) - np.eye(3)).max() < 5 / np.sqrt(40_000)
    covariance = axes.T @ axes
    assert np.cov(shift.T) == pytest.approx(0.01 * covariance, rel=0.05, abs=0.01)


def test_no_color_change_by_default() -> None:
    plan = plan_of(Augmentation(), Preprocessing())
    assert (plan.gain == 1).all()
    assert (plan.shift == 0).all()


def test_brightness_and_contrast() -> None:
    """v becomes b * (gray + c * (v - gray)): b on the values, c on the distance from the mean."""
    plan = plan_of(Augmentation(brightness=0.2, contrast=0.4), Preprocessing(), 20_000)
    gain, shift = plan.gain.astype(np.float64), plan.shift.astype(np.float64)
    assert np.ptp(gain, axis=1).max() == 0
    gray = np.mean(COLORS.mean)
    b = (shift[:, 0] + gray * gain[:, 0]) / gray
    c = gain[:, 0] / b
    assert stats.kstest(b, stats.uniform(0.8, 0.4).cdf).pvalue > 1e-4
    assert stats.kstest(c, stats.uniform(0.6, 0.8).cdf).pvalue > 1e-4
    assert abs(np.corrcoef(b, c)[0, 1]) < 5 / np.sqrt(20_000)


def test_color_changes_combine() -> None:
    """The paper's shift is of the image, before its contrast and brightness change."""
    everything = {"pca_color": 0.1, "brightness": 0.2, "contrast": 0.4}
    both = plan_of(Augmentation(**everything), Preprocessing(), 50)
    pca_only = plan_of(Augmentation(pca_color=0.1), Preprocessing(), 50)
    light = plan_of(Augmentation(brightness=0.2, contrast=0.4), Preprocessing(), 50)
    assert np.array_equal(both.gain, light.gain)
    np.testing.assert_allclose(
        both.shift, light.shift + light.gain * pca_only.shift, rtol=1e-5, atol=1e-4
    )


def test_ten_crops_of_the_paper() -> None:
    """The four corners and the center, and their horizontal flips (section 4.1)."""
    plans = [view_plan(Preprocessing(), 2, view) for view in range(10)]
    boxes = [tuple(plan.boxes[0].tolist()) for plan in plans]
    corners = {(0, 0, 224, 224), (0, 32, 224, 224), (32, 0, 224, 224), (32, 32, 224, 224)}
    assert boxes[0] == (16, 16, 224, 224)
    assert set(boxes[1:5]) == corners
    assert boxes[5:] == boxes[:5]
    assert [bool(plan.flipped.all()) for plan in plans] == [False] * 5 + [True] * 5
    assert all(np.array_equal(plan.boxes[0], plan.boxes[1]) for plan in plans)


def test_ten_crops_contain_the_corners() -> None:
    image = images(1, 8)
    preprocessing = Preprocessing(resize_px=8, crop_px=6, **RAW)
    crops = [
        apply_plan(view_plan(preprocessing, 1, view), image, preprocessing)[0] for view in range(10)
    ]
    cuts = [
        image[0, t : t + 6, left : left + 6] for t, left in ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))
    ]
    for view, cut in enumerate(cuts):
        assert np.array_equal(crops[view], cut)
        assert np.array_equal(crops[view + 5], cut[:, ::-1])


@pytest.mark.parametrize("flipped", [False, True])
def test_crops_without_resizing_are_exact(flipped: bool) -> None:
    stored = images(3, 20)
    boxes = [(0, 0, 12, 12), (8, 8, 12, 12), (3, 5, 12, 12)]
    plan = plain_plan(boxes, [flipped] * 3)
    raw = Preprocessing(resize_px=20, crop_px=12, **RAW)
    for image, (top, left, *_), crop in zip(
        stored, boxes, apply_plan(plan, stored, raw), strict=True
    ):
        cut = image[top : top + 12, left : left + 12]
        assert np.array_equal(crop, cut[:, ::-1] if flipped else cut)
    usual = dataclasses.replace(raw, mean=(120.0, 110.0, 90.0), std=(60.0, 55.0, 50.0))
    expected = reference(plan, stored, usual)
    np.testing.assert_allclose(apply_plan(plan, stored, usual), expected, rtol=1e-5, atol=1e-6)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    stored_px=st.integers(2, 40),
    size=st.integers(1, 40),
    channels=st.sampled_from(["rgb", "bgr", "gray"]),
    has_mean_image=st.booleans(),
    seed=st.integers(0, 100),
)
def test_resized_crops_match_bilinear_interpolation_within_one_level(
    stored_px: int, size: int, channels: str, has_mean_image: bool, seed: int
) -> None:
    size = min(size, stored_px)
    stored = images(4, stored_px, seed)
    preprocessing = Preprocessing(
        resize_px=stored_px, crop_px=size, channels=channels, mean=(120, 110, 90), std=(60, 55, 50)
    )
    augmentation = Augmentation(crop_area=0.1, pca_color=0.1, brightness=0.2, contrast=0.3)
    plan = plan_of(augmentation, preprocessing, 4, seed=seed)
    mean_image = None
    if has_mean_image:
        mean_image = (
            np.random.default_rng(seed)
            .uniform(80, 150, (stored_px, stored_px, 3))
            .astype(np.float32)
        )
    actual = apply_plan(plan, stored, preprocessing, mean_image=mean_image)
    one_level = plan.gain.max() / 50
    expected = reference(plan, stored, preprocessing, mean_image)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=one_level)


def test_channel_orders() -> None:
    stored = images(2, 10)
    rgb = Preprocessing(resize_px=10, crop_px=8, mean=(10, 20, 30), std=(2, 3, 4))
    plan = view_plan(rgb, 2)
    expected = apply_plan(plan, stored, rgb)
    bgr = apply_plan(plan, stored, dataclasses.replace(rgb, channels="bgr"))
    assert np.array_equal(bgr, expected[..., ::-1])
    gray = apply_plan(plan, stored, dataclasses.replace(rgb, channels="gray"))
    assert gray.shape == (2, 8, 8, 1)
    np.testing.assert_allclose(gray[..., 0], expected @ LUMA, rtol=1e-5, atol=1e-5)


def test_gray_with_one_mean() -> None:
    stored = np.full((1, 10, 10, 3), 100, np.uint8)
    gray = Preprocessing(resize_px=10, crop_px=10, channels="gray", mean=(60,), std=(20,))
    np.testing.assert_allclose(apply_plan(view_plan(gray, 1), stored, gray), 2.0, rtol=1e-5)


def test_mean_image_is_cropped_and_flipped_with_the_image() -> None:
    stored = images(1, 12)
    mean_image = stored[0].astype(np.float32)
    preprocessing = Preprocessing(resize_px=12, crop_px=7, mean=(50,) * 3, std=(10,) * 3)
    for view in range(10):
        plan = view_plan(preprocessing, 1, view)
        crop = apply_plan(plan, stored, preprocessing, mean_image=mean_image)
        assert np.abs(crop).max() < 1e-5


def test_threads_do_not_change_the_result() -> None:
    stored = images(30, 24)
    preprocessing = Preprocessing(resize_px=24, crop_px=16)
    plan = plan_of(recipe("fast"), preprocessing, 30)
    with ThreadPoolExecutor(4) as pool:
        threaded = apply_plan(plan, stored, preprocessing, pool=pool)
    assert np.array_equal(threaded, apply_plan(plan, stored, preprocessing))


def test_apply_to_an_empty_batch() -> None:
    preprocessing = Preprocessing(resize_px=24, crop_px=16)
    assert (
        apply_plan(plan_of(recipe("fast"), preprocessing, 0), images(0, 24), preprocessing).size
        == 0
    )
