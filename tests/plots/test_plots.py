"""Plots work with any names and any number of classes; their texts do not overlap."""

import io
import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from alexnet import plots
from alexnet.config.preprocessing import Preprocessing
from alexnet.plots.class_labels import ClassNames, columns, shorten
from alexnet.plots.image_grids import denormalize

NAMES = [
    "玫瑰花园里的蝴蝶",
    "price $5 and $6 ^_{x}",
    "a name that is very much longer than anything that there is room for in a figure",
    "شجرة",
    "पेड़",
    "🐶 dog",
    "line\nbreak\x1b[31m",
    "caf\udce9",
    "Straße",
    "",
]


def size(figure):
    with Image.open(io.BytesIO(plots.figure_bytes(figure, "png"))) as image:
        return image.size


@pytest.mark.parametrize("count", [2, 10, 26, 102])
def test_confusion_matrix_of_any_number_of_classes(count):
    names = [NAMES[i % len(NAMES)] + f" {i}" for i in range(count)]
    confusion = np.eye(count, dtype=np.int64) * 12000
    confusion[0, 1], confusion[1] = 3, 0
    width, height = size(plots.plot_confusion_matrix(confusion, names, "$x$ 玫瑰"))
    assert 400 < width < 2600
    assert 300 < height < 2600


def test_confusion_matrix_of_few_classes_annotates_the_counts():
    fig = plots.plot_confusion_matrix(np.array([[7, 2], [0, 41]]), ["a", "b"])
    assert [text.get_text() for text in fig.axes[0].texts] == ["7", "2", "41"]


@pytest.mark.parametrize("count", [5, 30])
def test_class_labels_of_a_confusion_matrix_do_not_overlap(count):
    names = [f"a rather long name of class {i}" for i in range(count)]
    fig = plots.plot_confusion_matrix(np.eye(count, dtype=np.int64), names)
    plots.figure_bytes(fig, "png")
    axes = fig.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) == count
        assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
        frame = fig.bbox
        assert all(frame.x0 <= b.x0 and b.x1 <= frame.x1 and b.y0 >= frame.y0 for b in boxes)


@pytest.mark.parametrize(
    ("names", "angle"),
    [
        ([str(i) for i in range(10)], 0),
        ([str(i) for i in range(25)], 0),
        (["cat", "dog"], 0),
        (["daisy", "dandelion", "rose", "sunflower", "tulip"], 90),
        (["玫瑰花", "向日葵", "郁金香"], 0),
    ],
)
def test_column_labels_are_horizontal_if_they_fit(names, angle):
    fig = plots.plot_confusion_matrix(np.eye(len(names), dtype=np.int64), names)
    plots.figure_bytes(fig, "png")
    labels = fig.axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {angle}
    boxes = [label.get_window_extent() for label in labels]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize("count", [61, 1000])
def test_compact_confusion_matrix_fits_a_phone(count):
    confusion = np.eye(count, dtype=np.int64) * 50
    confusion[3] = 0
    fig = plots.plot_compact_confusion_matrix(confusion)
    plots.figure_bytes(fig, "png")
    assert fig.get_figwidth() * 96 < 400  # CSS pixels
    assert fig.axes[0].get_window_extent().width > 0.55 * fig.bbox.width
    content, (width, height) = fig.get_tightbbox(), fig.get_size_inches()
    assert content.x0 >= 0
    assert content.y0 >= 0
    assert content.x1 <= width
    assert content.y1 <= height


def test_misclassified_images_and_captions_do_not_overlap():
    image = np.zeros((73, 73, 3), np.uint8)
    pairs = ((NAMES[i % 10], NAMES[(i + 1) % 10]) for i in range(20))
    errors = [plots.Misclassified(image, *pair, 1 - i / 40) for i, pair in enumerate(pairs)]
    fig = plots.plot_misclassified(errors, NAMES, "flowers", 33, 150)
    plots.figure_bytes(fig, "png")
    captions = [[text.get_window_extent() for text in axes.texts] for axes in fig.axes]
    boxes = [box for pair in captions for box in pair]
    assert len(boxes) == 40
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    assert all(box.x0 >= 0 and box.x1 <= fig.bbox.x1 for box in boxes)
    for axes, pair in zip(fig.axes, captions, strict=True):
        assert not any(axes.get_window_extent().overlaps(box) for box in pair)


def test_no_misclassified_images_still_give_a_plot():
    fig = plots.plot_misclassified([], ["a", "b"], "flowers", 0, 150)
    assert "0 of 150" in fig.texts[0].get_text()
    assert size(fig)[0] > 400


@pytest.mark.parametrize("epochs", [0, 1, 2, 40])
def test_learning_curves_of_any_number_of_epochs(epochs):
    rows = [
        {
            "epoch": e + 1,
            "lr": 0.01,
            "train_loss": 1 / (e + 1),
            "train_top1": 0.5,
            "val_loss": 1.0,
            "val_top1": 0.3 if e != 1 else 0.9,
            "val_top5": 0.9,
        }
        for e in range(epochs)
    ]
    fig = plots.plot_learning_curves(rows, "玫瑰 $x")
    assert size(fig)[0] > 800
    if epochs >= 2:
        labels = [text.get_text() for text in fig.axes[1].get_legend().get_texts()]
        assert labels[-1] == "best epoch: 2, 90.0%"


def test_learning_curves_accept_strings_and_empty_cells():
    row = {"epoch": "1", "lr": "0.1", "train_loss": "nan", "train_top1": "0.5", "val_top1": ""}
    assert size(plots.plot_learning_curves([row]))[0] > 800


@pytest.mark.parametrize("channels", ["rgb", "bgr", "gray"])
def test_sample_batch_undoes_the_normalization(channels):
    settings = Preprocessing(channels=channels, mean=(100.0,) * 3, std=(50.0,) * 3)
    if channels == "gray":
        settings = Preprocessing(channels="gray", mean=(100.0,), std=(50.0,))
    expected = np.array([10, 120, 250] if channels != "gray" else [120] * 3, np.float32)
    values = (expected - 100) / 50
    values = {"rgb": values, "bgr": values[::-1], "gray": values[:1]}[channels]
    batch = np.broadcast_to(values, (3, 64, 64, len(values))).astype(np.float32)
    assert (denormalize(batch[0], settings) == expected).all()
    fig = plots.plot_sample_batch(batch, settings, [0, 1, 2], NAMES)
    assert size(fig)[0] > 400
    assert len(fig.axes) == 3


def test_letters_missing_in_all_fonts_become_boxes_after_the_class_index():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = ClassNames(["rose", "\U00012000\U00012001"])  # cuneiform
    if names.text(1, 20) == "\U00012000\U00012001":
        pytest.skip("this machine has a font for cuneiform")
    assert names.text(0, 20) == "rose"
    assert names.text(1, 20) == "1: □□"
    assert "classes.json" in names.note


@pytest.mark.parametrize("width", [1, 2, 5, 9, 10, 22])
def test_shortened_names_fit(width):
    for name in NAMES:
        assert columns(shorten(name, width)) <= width


def test_the_same_figure_gives_the_same_bytes():
    matrix = np.array([[3, 1], [0, 4]])
    figures = (plots.plot_confusion_matrix(matrix, ["a", "b"]) for _ in range(2))
    first, second = (plots.figure_bytes(fig, "png") for fig in figures)
    assert first == second


@pytest.mark.parametrize("title", ["", "digits: 12% of 336 correct"])
@pytest.mark.parametrize("count", [2, 5, 10, 25])
def test_axis_labels_of_a_confusion_matrix_are_within_the_figure(count, title):
    names = [f"{'not ' * (i == 1)}{i}" for i in range(count)]
    fig = plots.plot_confusion_matrix(np.eye(count, dtype=np.int64), names, title)
    fig.canvas.draw()
    axes, renderer = fig.axes[0], fig.canvas.get_renderer()
    for label in (axes.yaxis.label, axes.xaxis.label):
        box = label.get_window_extent(renderer)
        assert box.x0 > 0
        assert box.y0 > 0


@pytest.mark.parametrize("backend", ["module://does_not_exist", "does_not_exist"])
def test_the_command_line_ignores_the_matplotlib_backend_of_a_notebook(tmp_path, backend):
    path = tmp_path / "half.png"
    subprocess.run(
        [sys.executable, "-m", "alexnet", "draw", "half", "-o", path],
        check=True,
        env={**os.environ, "MPLBACKEND": backend},
    )
    assert path.read_bytes().startswith(b"\x89PNG")
