"""Activations and predictions equal the network; figures hold any file and class name."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from alexnet import plots
from alexnet.backends import Compute
from alexnet.config.preprocessing import Preprocessing
from alexnet.inspect.class_activation_maps import compute_grad_cam
from alexnet.inspect.input_images import crop_for_display, label_from_folder, read_images
from alexnet.inspect.labeled_predictions import predict_labeled
from alexnet.inspect.layer_activations import compute_activations
from alexnet.inspect.neighbors import find_similar_images
from alexnet.inspect.opened_run import layer_shapes
from alexnet.plots import (
    plot_feature_maps,
    plot_grad_cam,
    plot_neighbors,
    plot_predictions,
)
from alexnet.plots.grad_cam import overlay_heat_map

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
    with Image.open(io.BytesIO(plots.figure_bytes(figure, "png"))) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.slow
def test_activations_of_every_layer(run, images):
    from alexnet.inspect.opened_run import open_run

    query = images / "rose" / "8.png"
    opened = open_run(run)
    for layer, shape in layer_shapes(run.architecture).items():
        result = compute_activations(run, query, layer)
        assert result.values.shape == shape
        direct = opened.model.network.activations(
            opened.prepare_batch([result.image.pixels]), [layer]
        )
        assert (result.values == direct[layer][0].detach().numpy()).all()
        assert pixels_of(plot_feature_maps(result)).shape[1] > 800


def test_strongest_orders_channels_by_maximum_activation(run, images):
    result = compute_activations(run, images / "rose" / "8.png", "conv3")
    order = result.strongest()
    highest = [result.values[i].max() for i in order]
    assert highest == sorted(highest, reverse=True)
    assert sorted(order) == list(range(12))
    assert result.strongest(3) == order[:3]


@pytest.mark.parametrize(("count", "maps"), [(5, 5), (64, 12), (0, 12)])
def test_figure_shows_the_requested_number_of_maps(run, images, count, maps):
    result = compute_activations(run, images / "rose" / "8.png", "relu3")
    figure = plot_feature_maps(result, count)
    shown = [axes for axes in figure.axes if axes.images][1:]  # the first one is the image
    assert len(shown) == maps
    numbers = [int(text.get_text()) for text in figure.texts if text.get_text().isdigit()]
    assert numbers == result.strongest(count or None)
    for axes, number in zip(shown, numbers, strict=True):
        assert (axes.images[0].get_array() == result.values[number]).all()


def test_displayed_crop_equals_the_network_input(make_run, images):
    for channels in ("rgb", "bgr", "gray"):
        run = make_run(channels, channels=channels)
        from alexnet.inspect.opened_run import open_run

        (one, *_), _ = read_images(run, [images / "rose" / "8.png"])
        entered = (
            open_run(run).prepare_batch([one.pixels])[0].permute(1, 2, 0).numpy() * 127.5 + 127.5
        )
        shown = crop_for_display(one.pixels, run.preprocessing).astype(np.float32)
        expected = {"rgb": shown, "bgr": shown[..., ::-1], "gray": shown[..., :1]}[channels]
        assert np.abs(entered - expected).max() <= 0.51


def test_predict_labeled_equals_predict(run, images):
    from alexnet.prediction import predict

    result = predict_labeled(run, [images])
    rows = list(predict(run, [images], compute=Compute(backend="torch")))
    assert [one.path for one in result.images] == [row.path for row in rows]
    for row, expected in zip(result.probabilities, rows, strict=True):
        assert sorted(row)[::-1] == pytest.approx(expected.probabilities, rel=1e-4)


def test_bar_of_the_correct_class_has_its_own_color_and_hatch(run, images):
    result = predict_labeled(run, [images / "rose" / "8.png", images / "$x_{1} 玫瑰\n.png"])
    figure = plot_predictions(result)
    patches = [axes.patches for axes in figure.axes if axes.patches]
    names = [[t.get_text() for t in axes.texts[::2]] for axes in figure.axes if axes.patches]
    assert [bool(bar.get_hatch()) for bar in patches[0]] == [name == "rose" for name in names[0]]
    shades = {bar.get_facecolor() for bar in patches[0]}
    assert len(shades) == 2
    assert not any(bar.get_hatch() for bar in patches[1])
    for one, row in zip(patches, result.probabilities, strict=True):
        assert [bar.get_width() for bar in one] == pytest.approx(sorted(row)[::-1])


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_figures_hold_unusual_names(make_run, tmp_path, count):
    import dataclasses

    run = make_run(num_classes=len(NAMES))
    run = dataclasses.replace(run, folder=run.folder, classes=tuple(NAMES))
    paths = [draw(tmp_path / "p" / NAMES[i % 8] / f"{NAMES[i % 8][:60]}.png", i)
             for i in range(count)]  # fmt: skip
    figures = [
        plot_predictions(predict_labeled(run, paths)),
        plot_grad_cam(compute_grad_cam(run, paths)),
        plot_neighbors(find_similar_images(run, paths, [tmp_path / "p"])),
        plot_feature_maps(compute_activations(run, paths[0], "fc8")),
        plot_feature_maps(compute_activations(run, paths[0], "relu2")),
    ]
    for figure in figures:
        assert pixels_of(figure).shape[1] > 400
        for text in figure.texts:
            box = text.get_window_extent()
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 8])
def test_captions_do_not_overlap(run, images, count):
    paths = sorted(images.rglob("*.png"))[:count]
    for figure in (
        plot_predictions(predict_labeled(run, paths)),
        plot_grad_cam(compute_grad_cam(run, paths)),
        plot_neighbors(find_similar_images(run, paths, [images])),
    ):
        pixels_of(figure)
        boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
        tiles = [axes.get_window_extent() for axes in figure.axes if axes.images]
        assert not any(tile.overlaps(box) for tile in tiles for box in boxes)


def test_label_is_the_folder_name_if_it_is_a_class():
    classes = ["rose", "Stra\u00dfe", "caf\u00e9"]
    assert label_from_folder("x/rose/1.jpg", classes) == 0
    assert label_from_folder("x/cafe\u0301/1.jpg", classes) == 2
    assert label_from_folder("rose/more/1.jpg", classes) is None


def test_overlay_colors_only_positive_values():
    image = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    heat = np.zeros((4, 4), np.float32)
    plain = overlay_heat_map(image, heat)
    assert (plain == plain[0, 0, 0]).all()
    heat[1, 2], heat[3, 3] = 5, 2
    result = overlay_heat_map(image, heat)
    changed = (result != plain).any(axis=-1)
    assert changed[1, 2]
    assert changed[3, 3]
    assert changed.sum() == 2
    assert result[1, 2].sum() > result[3, 3].sum()


def test_read_images_takes_evenly_spaced_images(run, images):
    selected, notices = read_images(run, [images], max_images=3)
    all_images, _ = read_images(run, [images])
    assert [one.path for one in selected] == [all_images[i].path for i in (0, 3, 7)]
    assert notices == ("showing 3 of 11 images, evenly spaced",)


def test_displayed_crop_of_a_grayscale_network_is_gray():
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    settings = Preprocessing(resize_px=9, crop_px=5, channels="gray", mean=(0.0,), std=(1.0,))
    crop = crop_for_display(image, settings)
    assert (crop == crop[..., :1]).all()
    expected = 0.299 * image[2, 2, 0] + 0.587 * image[2, 2, 1] + 0.114 * image[2, 2, 2]
    assert crop[0, 0, 0] == round(expected)


@pytest.mark.slow
def test_commands_print_the_path_of_the_figure(command, run, images):
    rose = images / "rose" / "8.png"
    folder = run.folder / "figures"
    for call, name in [
        (("activations", rose, "--layer", "conv2"), "activations-conv2-8.png"),
        (("predictions", images), "predictions-images.png"),
        (("predictions", rose, images), "predictions-8-and-1-more.png"),
        (("grad-cam", rose, "--class", "daisy"), "grad-cam-relu5-daisy-8.png"),
    ]:
        result = command("show", call[0], run.folder, *call[1:])
        assert result == (0, f"{folder / name}\n", ""), result.err
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_unreadable_images_are_skipped_in_figures(command, run, images):
    bad = images / "rose" / "bad.png"
    bad.write_bytes(b"x")
    for name in ("predictions", "grad-cam"):
        result = command("show", name, run.folder, bad, images / "rose" / "8.png")
        assert result.status == 0
        assert result.err.startswith(f"skipped 1 of 2 images, unreadable: {bad} (")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("activations", "absent.png"), "cannot read absent.png: no such file"),
        (("activations", "absent.png", "--layer", "con2"), "did you mean 'conv2'?"),
        (("predictions", "absent.png"), "cannot read absent.png: no such file"),
        (("activations", "."), "cannot read .: is a folder, not an image"),
        (("predictions", "."), "no images in ."),
        (("grad-cam", "*.jpg"), "no file matches this pattern"),
    ],
)
def test_invalid_arguments_exit_with_2(command, run, tmp_path, monkeypatch, call, message):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = command("show", call[0], run.folder, *call[1:])
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_help_imports_no_framework():
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
