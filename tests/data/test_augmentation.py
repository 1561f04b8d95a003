"""Plans within their settings, and their execution against a slow one in float64."""

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
    augmentation: Augmentation, preprocessing: Preprocessing, count: int = 2000, **place: int
) -> Plan:
    where = {"seed": 0, "epoch": 0} | place
    samples = np.arange(count, dtype=np.int64)
    return training_plan(augmentation, preprocessing, COLORS, samples=samples, **where)


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


def applied(
    plan: Plan, squares: np.ndarray, preprocessing: Preprocessing, **extra: Any
) -> np.ndarray:
    channels = 1 if preprocessing.channels == "gray" else 3
    size = preprocessing.crop_px
    out = np.full((len(squares), size, size, channels), np.nan, np.float32)
    assert apply(plan, list(squares), preprocessing, out=out, **extra) is out
    return out


def slowly(
    plan: Plan,
    squares: np.ndarray,
    preprocessing: Preprocessing,
    mean_image: np.ndarray | None = None,
) -> np.ndarray:
    """The same in float64, an image at a time, from the words of the settings."""
    found = []
    for i, square in enumerate(squares):
        top, left, height, width = plan.boxes[i]
        cut = (slice(top, top + height), slice(left, left + width))
        values = oracle.resized(square[cut], preprocessing.crop_px)
        mean: Any = np.broadcast_to(preprocessing.mean, (3,))
        if mean_image is not None:
            mean = oracle.resized(mean_image[cut], preprocessing.crop_px)
        values = (values * plan.gain[i] + plan.shift[i] - mean) / np.array(preprocessing.std)
        values = values[:, ::-1] if plan.flipped[i] else values
        if preprocessing.channels == "bgr":
            values = values[..., ::-1]
        elif preprocessing.channels == "gray":
            values = (values @ LUMA)[..., None]
        found.append(values)
    return np.array(found)


sizes = st.integers(1, 300).flatmap(lambda kept: st.tuples(st.just(kept), st.integers(1, kept)))
places = st.fixed_dictionaries({"seed": st.integers(0, 2**40), "epoch": st.integers(0, 1000)})


@settings(deadline=None, derandomize=True)
@given(
    px=sizes,
    place=places,
    crop=st.sampled_from(["resized", "random", "center"]),
    area=st.floats(0.01, 1),
    ratio=st.floats(1, 6),
)
def test_boxes_lie_inside_the_square_and_within_the_settings(
    px: tuple[int, int], place: dict[str, int], crop: str, area: float, ratio: float
) -> None:
    kept, size = px
    augmentation = Augmentation(crop=crop, crop_area=area, crop_ratio=ratio)
    plan = plan_of(augmentation, Preprocessing(resize_px=kept, crop_px=size), 60, **place)
    top, left, height, width = plan.boxes.T
    assert (plan.boxes >= 0).all()
    assert (np.minimum(height, width) >= 1).all()
    assert (top + height <= kept).all()
    assert (left + width <= kept).all()
    if crop != "resized":
        assert (height == size).all()
        assert (width == size).all()
        return
    # Each side was rounded to whole pixels by at most half a pixel.
    assert ((height + 0.5) * (width + 0.5) >= area * kept**2 * (1 - 1e-12)).all()
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
    small = area < 0.4  # Where the square does not limit the ratio.
    expected = stats.uniform(-np.log(2), 2 * np.log(2))
    assert stats.kstest(log_ratio[small], expected.cdf).pvalue > 1e-4
    shares = [
        start[small] / (1000 - length[small]) for start, length in ((top, height), (left, width))
    ]
    assert all(stats.kstest(share, "uniform").pvalue > 1e-4 for share in shares)
    assert abs(np.corrcoef(shares)[0, 1]) < 5 / np.sqrt(small.sum())


def test_resized_crops_reach_every_edge() -> None:
    augmentation = Augmentation(crop="resized", crop_area=0.3, crop_ratio=1.5)
    plan = plan_of(augmentation, Preprocessing(resize_px=12, crop_px=8), 20_000)
    top, left, height, width = plan.boxes.T
    for start, length in ((top, height), (left, width)):
        for own in np.unique(length):
            counts = np.bincount(start[length == own], minlength=12 - own + 1)
            assert len(counts) == 12 - own + 1
            assert len(counts) == 1 or stats.chisquare(counts).pvalue > 1e-4


def test_random_crops_come_from_every_place() -> None:
    """Section 4.1 of the paper: (256 - 224 + 1)^2 places; both ends are among them."""
    boxes = plan_of(Augmentation(crop="random"), Preprocessing(), 33 * 300).boxes
    for column in (0, 1):
        counts = np.bincount(boxes[:, column], minlength=33)
        assert len(counts) == 33
        assert stats.chisquare(counts).pvalue > 1e-4


def test_half_are_flipped_or_none() -> None:
    flipped = plan_of(Augmentation(horizontal_flip=True), Preprocessing(), 10_000).flipped
    assert flipped.mean() == pytest.approx(0.5, abs=0.025)
    assert not plan_of(Augmentation(horizontal_flip=False), Preprocessing()).flipped.any()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(place=places, order=st.permutations(range(12)), count=st.integers(1, 12))
def test_a_plan_is_a_function_of_seed_epoch_and_sample(
    place: dict[str, int], order: list[int], count: int
) -> None:
    augmentation = Augmentation(pca_color=0.1, brightness=0.2, contrast=0.3)
    whole = plan_of(augmentation, Preprocessing(), 12, **place)
    chosen = np.array(order[:count], np.int64)
    part = training_plan(augmentation, Preprocessing(), COLORS, samples=chosen, **place)
    for field in dataclasses.fields(Plan):
        assert np.array_equal(getattr(part, field.name), getattr(whole, field.name)[chosen])
    for other in ({"seed": place["seed"] + 1}, {"epoch": place["epoch"] + 1}):
        assert not np.array_equal(
            plan_of(augmentation, Preprocessing(), 12, **(place | other)).shift, whole.shift
        )


def test_color_change_of_the_paper() -> None:
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
    found = np.cov(shift.T)
    assert found == pytest.approx(0.01 * covariance, rel=0.05, abs=0.01)


def test_no_color_change() -> None:
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


def test_all_color_changes_together() -> None:
    """The paper's shift is of the image, before its contrast and brightness change."""
    everything = {"pca_color": 0.1, "brightness": 0.2, "contrast": 0.4}
    both = plan_of(Augmentation(**everything), Preprocessing(), 50)
    lone = plan_of(Augmentation(pca_color=0.1), Preprocessing(), 50)
    light = plan_of(Augmentation(brightness=0.2, contrast=0.4), Preprocessing(), 50)
    assert np.array_equal(both.gain, light.gain)
    np.testing.assert_allclose(
        both.shift, light.shift + light.gain * lone.shift, rtol=1e-5, atol=1e-4
    )


def test_the_papers_ten_views() -> None:
    """The four corners and the center, and their mirror images (section 4.1)."""
    plans = [view_plan(Preprocessing(), 2, view) for view in range(10)]
    boxes = [tuple(plan.boxes[0].tolist()) for plan in plans]
    corners = {(0, 0, 224, 224), (0, 32, 224, 224), (32, 0, 224, 224), (32, 32, 224, 224)}
    assert boxes[0] == (16, 16, 224, 224)
    assert set(boxes[1:5]) == corners
    assert boxes[5:] == boxes[:5]
    assert [bool(plan.flipped.all()) for plan in plans] == [False] * 5 + [True] * 5
    assert all(np.array_equal(plan.boxes[0], plan.boxes[1]) for plan in plans)


def test_ten_views_of_a_image_show_its_corners() -> None:
    square = images(1, 8)
    preprocessing = Preprocessing(resize_px=8, crop_px=6, **RAW)
    crops = [
        applied(view_plan(preprocessing, 1, view), square, preprocessing)[0] for view in range(10)
    ]
    cuts = [
        square[0, t : t + 6, left : left + 6]
        for t, left in ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))
    ]
    for view, cut in enumerate(cuts):
        assert np.array_equal(crops[view], cut)
        assert np.array_equal(crops[view + 5], cut[:, ::-1])


@pytest.mark.parametrize("flipped", [False, True])
def test_crops_of_the_image_size_are_exact(flipped: bool) -> None:
    squares = images(3, 20)
    boxes = [(0, 0, 12, 12), (8, 8, 12, 12), (3, 5, 12, 12)]
    plan = plain_plan(boxes, [flipped] * 3)
    raw = Preprocessing(resize_px=20, crop_px=12, **RAW)
    for square, (top, left, *_), crop in zip(
        squares, boxes, applied(plan, squares, raw), strict=True
    ):
        cut = square[top : top + 12, left : left + 12]
        assert np.array_equal(crop, cut[:, ::-1] if flipped else cut)
    usual = dataclasses.replace(raw, mean=(120.0, 110.0, 90.0), std=(60.0, 55.0, 50.0))
    expected = slowly(plan, squares, usual)
    np.testing.assert_allclose(applied(plan, squares, usual), expected, rtol=1e-5, atol=1e-6)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    kept=st.integers(2, 40),
    size=st.integers(1, 40),
    channels=st.sampled_from(["rgb", "bgr", "gray"]),
    has_mean_image=st.booleans(),
    seed=st.integers(0, 100),
)
def test_any_crop_is_within_one_level_of_bilinear(
    kept: int, size: int, channels: str, has_mean_image: bool, seed: int
) -> None:
    size = min(size, kept)
    squares = images(4, kept, seed)
    preprocessing = Preprocessing(
        resize_px=kept, crop_px=size, channels=channels, mean=(120, 110, 90), std=(60, 55, 50)
    )
    augmentation = Augmentation(crop_area=0.1, pca_color=0.1, brightness=0.2, contrast=0.3)
    plan = plan_of(augmentation, preprocessing, 4, seed=seed)
    means = None
    if has_mean_image:
        means = np.random.default_rng(seed).uniform(80, 150, (kept, kept, 3)).astype(np.float32)
    found = applied(plan, squares, preprocessing, mean_image=means)
    one_level = plan.gain.max() / 50
    expected = slowly(plan, squares, preprocessing, means)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=one_level)


def test_channel_orders() -> None:
    squares = images(2, 10)
    rgb = Preprocessing(resize_px=10, crop_px=8, mean=(10, 20, 30), std=(2, 3, 4))
    plan = view_plan(rgb, 2)
    expected = applied(plan, squares, rgb)
    bgr = applied(plan, squares, dataclasses.replace(rgb, channels="bgr"))
    assert np.array_equal(bgr, expected[..., ::-1])
    gray = applied(plan, squares, dataclasses.replace(rgb, channels="gray"))
    assert gray.shape == (2, 8, 8, 1)
    np.testing.assert_allclose(gray[..., 0], expected @ LUMA, rtol=1e-5, atol=1e-5)


def test_gray_with_one_mean() -> None:
    squares = np.full((1, 10, 10, 3), 100, np.uint8)
    gray = Preprocessing(resize_px=10, crop_px=10, channels="gray", mean=(60,), std=(20,))
    np.testing.assert_allclose(applied(view_plan(gray, 1), squares, gray), 2.0, rtol=1e-5)


def test_the_mean_of_each_pixel_is_cut_and_flipped_with_the_image() -> None:
    squares = images(1, 12)
    means = squares[0].astype(np.float32)
    preprocessing = Preprocessing(resize_px=12, crop_px=7, mean=(50,) * 3, std=(10,) * 3)
    for view in range(10):
        plan = view_plan(preprocessing, 1, view)
        crop = applied(plan, squares, preprocessing, mean_image=means)
        assert np.abs(crop).max() < 1e-5


def test_threads_give_the_same() -> None:
    squares = images(30, 24)
    preprocessing = Preprocessing(resize_px=24, crop_px=16)
    plan = plan_of(recipe("fast"), preprocessing, 30)
    with ThreadPoolExecutor(4) as pool:
        together = applied(plan, squares, preprocessing, pool=pool)
    assert np.array_equal(together, applied(plan, squares, preprocessing))


def test_an_empty_batch() -> None:
    preprocessing = Preprocessing(resize_px=24, crop_px=16)
    assert (
        applied(plan_of(recipe("fast"), preprocessing, 0), images(0, 24), preprocessing).size == 0
    )
