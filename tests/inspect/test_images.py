"""Activations and predictions: numbers against the network, figures that nothing breaks."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from alexnet import plots as evaluation_figures
from alexnet.backends import Compute
from alexnet.config.preprocessing import Preprocessing
from alexnet.inspect.class_evidence import attention
from alexnet.inspect.feature_maps import activations
from alexnet.inspect.input_images import crop_seen, read_images, truth_of
from alexnet.inspect.labeled_predictions import predictions
from alexnet.inspect.neighbors import similar
from alexnet.inspect.opened_run import layer_shapes
from alexnet.plots import (
    activations_figure,
    attention_figure,
    predictions_figure,
    similar_figure,
)
from alexnet.plots.heat_maps import overlaid

from .conftest import draw

NAMES = [
    "玫瑰花园里的蝴蝶",
    "price $5 and $6 ^_{x}",
    "a name that is very much longer than anything that there is room for in a figure",
    "شجرة",
    "🐶 dog",
    "line\nbreak\x1b[31m",
    os.fsdecode(b"caf\xe9"),
    "\\alpha_2 % # ~",
]


def pixels_of(figure):
    with Image.open(io.BytesIO(evaluation_figures.png(figure))) as image:
        return np.asarray(image.convert("RGB"))


def test_every_layer_by_its_usual_name(run, images):
    from alexnet.inspect.opened_run import open_run

    query = images / "rose" / "8.png"
    opened = open_run(run)
    for layer, shape in layer_shapes(run.architecture).items():
        found = activations(run, query, layer)
        assert found.values.shape == shape
        direct = opened.model.network.activations(opened.batch([found.image.pixels]), [layer])
        assert (found.values == direct[layer][0].detach().numpy()).all()
        assert pixels_of(activations_figure(found)).shape[1] > 800


def test_strongest_maps_come_first(run, images):
    found = activations(run, images / "rose" / "8.png", "conv3")
    order = found.strongest()
    highest = [found.values[i].max() for i in order]
    assert highest == sorted(highest, reverse=True)
    assert sorted(order) == list(range(12))
    assert found.strongest(3) == order[:3]


@pytest.mark.parametrize(("count", "maps"), [(5, 5), (64, 12), (0, 12)])
def test_as_many_maps_as_are_asked_for(run, images, count, maps):
    found = activations(run, images / "rose" / "8.png", "relu3")
    drawn = activations_figure(found, count)
    shown = [axes for axes in drawn.axes if axes.images][1:]  # the first one is the image
    assert len(shown) == maps
    numbers = [int(text.get_text()) for text in drawn.texts if text.get_text().isdigit()]
    assert numbers == found.strongest(count or None)
    for axes, number in zip(shown, numbers, strict=True):
        assert (axes.images[0].get_array() == found.values[number]).all()


def test_the_image_is_what_the_network_was_shown(make_run, images):
    for channels in ("rgb", "bgr", "gray"):
        run = make_run(channels, channels=channels)
        from alexnet.inspect.opened_run import open_run

        (one, *_), _ = read_images(run, [images / "rose" / "8.png"])
        entered = open_run(run).batch([one.pixels])[0].permute(1, 2, 0).numpy() * 127.5 + 127.5
        shown = crop_seen(one.pixels, run.preprocessing).astype(np.float32)
        expected = {"rgb": shown, "bgr": shown[..., ::-1], "gray": shown[..., :1]}[channels]
        assert np.abs(entered - expected).max() <= 0.51


def test_predictions_are_those_of_predict(run, images):
    from alexnet.prediction import predict

    found = predictions(run, [images])
    rows = list(predict(run, [images], compute=Compute(backend="torch")))
    assert [one.path for one in found.images] == [row.path for row in rows]
    for ours, theirs in zip(found.probabilities, rows, strict=True):
        assert sorted(ours)[::-1] == pytest.approx(theirs.probabilities, rel=1e-4)


def test_the_right_bar_has_another_shade_and_another_hatch(run, images):
    found = predictions(run, [images / "rose" / "8.png", images / "$x_{1} 玫瑰\n.png"])
    drawn = predictions_figure(found)
    bars = [axes.patches for axes in drawn.axes if axes.patches]
    names = [[t.get_text() for t in axes.texts[::2]] for axes in drawn.axes if axes.patches]
    assert [bool(bar.get_hatch()) for bar in bars[0]] == [name == "rose" for name in names[0]]
    shades = {bar.get_facecolor() for bar in bars[0]}
    assert len(shades) == 2
    assert not any(bar.get_hatch() for bar in bars[1])
    for one, row in zip(bars, found.probabilities, strict=True):
        assert [bar.get_width() for bar in one] == pytest.approx(sorted(row)[::-1])


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_nothing_that_names_hold_breaks_a_figure(make_run, tmp_path, count):
    import dataclasses

    run = make_run(num_classes=len(NAMES))
    run = dataclasses.replace(run, folder=run.folder, classes=tuple(NAMES))
    paths = [draw(tmp_path / "p" / NAMES[i % 8] / f"{NAMES[i % 8][:60]}.png", i)
             for i in range(count)]  # fmt: skip
    drawn = [
        predictions_figure(predictions(run, paths)),
        attention_figure(attention(run, paths)),
        similar_figure(similar(run, paths, [tmp_path / "p"])),
        activations_figure(activations(run, paths[0], "fc8")),
        activations_figure(activations(run, paths[0], "relu2")),
    ]
    for figure in drawn:
        assert pixels_of(figure).shape[1] > 400
        for text in figure.texts:
            box = text.get_window_extent()
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()


@pytest.mark.parametrize("count", [1, 3, 8])
def test_captions_do_not_overlap(run, images, count):
    paths = sorted(images.rglob("*.png"))[:count]
    for figure in (
        predictions_figure(predictions(run, paths)),
        attention_figure(attention(run, paths)),
        similar_figure(similar(run, paths, [images])),
    ):
        pixels_of(figure)
        boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
        tiles = [axes.get_window_extent() for axes in figure.axes if axes.images]
        assert not any(tile.overlaps(box) for tile in tiles for box in boxes)


def test_the_truth_is_the_folder_where_that_is_a_class():
    classes = ["rose", "Stra\u00dfe", "caf\u00e9"]
    assert truth_of("x/rose/1.jpg", classes) == 0
    assert truth_of("x/cafe\u0301/1.jpg", classes) == 2
    assert truth_of("rose/more/1.jpg", classes) is None


def test_the_map_colors_only_what_it_covers():
    image = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    heat = np.zeros((4, 4), np.float32)
    plain = overlaid(image, heat)
    assert (plain == plain[0, 0, 0]).all()
    heat[1, 2], heat[3, 3] = 5, 2
    found = overlaid(image, heat)
    changed = (found != plain).any(axis=-1)
    assert changed[1, 2]
    assert changed[3, 3]
    assert changed.sum() == 2
    assert found[1, 2].sum() > found[3, 3].sum()


def test_of_many_images_some_are_taken_evenly(run, images):
    seen, notices = read_images(run, [images], count=3)
    whole, _ = read_images(run, [images])
    assert [one.path for one in seen] == [whole[i].path for i in (0, 3, 7)]
    assert notices == ("11 images given; 3 of them, evenly spread, are shown",)


def test_crop_of_a_gray_network_is_gray():
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    settings = Preprocessing(resize_px=9, crop_px=5, channels="gray", mean=(0.0,), std=(1.0,))
    seen = crop_seen(image, settings)
    assert (seen == seen[..., :1]).all()
    by_hand = 0.299 * image[2, 2, 0] + 0.587 * image[2, 2, 1] + 0.114 * image[2, 2, 2]
    assert seen[0, 0, 0] == round(by_hand)


def test_commands_say_where_their_figures_lie(command, run, images):
    rose = images / "rose" / "8.png"
    folder = run.folder / "figures"
    for call, name in [
        (("activations", rose, "--layer", "conv2"), "activations-conv2-8.png"),
        (("predictions", images), "predictions-images.png"),
        (("predictions", rose, images), "predictions-8-and-1-more.png"),
        (("attention", rose, "--class", "daisy"), "attention-relu5-daisy-8.png"),
    ]:
        found = command("show", call[0], run.folder, *call[1:])
        assert found == (0, f"{folder / name}\n", ""), found.err
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_unreadable_images_are_left_out_of_figures(command, run, images):
    bad = images / "rose" / "bad.png"
    bad.write_bytes(b"x")
    for name in ("predictions", "attention"):
        found = command("show", name, run.folder, bad, images / "rose" / "8.png")
        assert found.status == 0
        assert found.err.startswith(f"1 of 2 images left out, unreadable: {bad} (")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("activations", "absent.png"), "absent.png cannot be read: does not exist"),
        (("activations", "absent.png", "--layer", "con2"), "did you mean 'conv2'?"),
        (("predictions", "absent.png"), "absent.png cannot be read: does not exist"),
        (("activations", "."), ". cannot be read: is a folder, not an image"),
        (("predictions", "."), "no images in ."),
        (("attention", "*.jpg"), "no file matches this pattern"),
    ],
)
def test_wrong_calls(command, run, tmp_path, monkeypatch, call, says):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = command("show", call[0], run.folder, *call[1:])
    assert found.status == 2
    assert says in found.err
    assert found.err.count("\n") == 1


def test_help_needs_no_framework():
    import subprocess
    import sys

    code = (
        "import sys; from alexnet.cli.main import app\n"
        "try: app(['show', '--help'])\n"
        "except SystemExit: pass\n"
        "bad = {'torch', 'matplotlib', 'numpy', 'h5py'} & set(sys.modules)\n"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
