"""Kernel images equal the weights; figures are written in every format."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from alexnet.inspect.kernels import first_layer_kernels, kernel_grids, kernels_per_row
from alexnet.plots import plot_kernels
from alexnet.plots.canvas import DPI
from alexnet.weights import read


def shade(kernel: np.ndarray, channel: int, y: int, x: int) -> int:
    """Compute the expected pixel of one weight of a kernel (C, H, W)."""
    fraction = (kernel[channel, y, x] - kernel.min()) / (kernel.max() - kernel.min())
    return round(float(fraction) * 255)


def test_grid_places_kernels_in_row_major_order_scaled_to_their_range(run):
    kernels = read(run.folder / "best.safetensors")["conv1.weight"]
    (grid,) = kernel_grids(first_layer_kernels(run))
    across = kernels_per_row(8)
    for number, y, x in [(0, 0, 0), (5, 3, 10), (7, 10, 2)]:
        top, left = number // across * 12, number % across * 12
        expected = [shade(kernels[number], channel, y, x) for channel in range(3)]
        assert grid[top + y, left + x].tolist() == expected
    assert (grid[11] == 255).all() or grid.shape[0] == 11
    assert (grid[:, 11] == 255).all()


def test_bgr_is_converted_to_rgb(make_run):
    bgr, rgb = make_run("bgr", channels="bgr"), make_run("rgb")
    assert (first_layer_kernels(bgr).images == first_layer_kernels(rgb).images[..., ::-1]).all()


def test_grayscale_networks_have_gray_kernels(make_run):
    kernels = first_layer_kernels(make_run(channels="gray")).images
    assert kernels.shape == (8, 11, 11, 3)
    assert (kernels == kernels[..., :1]).all()
    assert (kernels.min(axis=(1, 2, 3)) == 0).all()
    assert (kernels.max(axis=(1, 2, 3)) == 255).all()


@pytest.mark.parametrize(
    ("variant", "groups", "columns"),
    [("half", (1, 1, 1, 1, 1), 1), ("paper", (1, 2, 1, 2, 2), 2), ("half", (1, 4, 1, 1, 1), 4)],
)
def test_one_grid_per_column_of_the_network(make_run, variant, groups, columns):
    kernels = first_layer_kernels(make_run(variant=variant, groups=groups))
    grids = kernel_grids(kernels)
    assert len(grids) == columns
    assert (grids[-1][:11, :11] == kernels.images[8 - 8 // columns]).all()
    caption = [text.get_text() for text in plot_kernels(kernels).texts]
    assert f"column {columns} of {columns}" in caption or columns == 1


def test_grouped_conv1_has_gray_kernels(make_run):
    kernels = first_layer_kernels(
        make_run(in_channels=3, groups=(3, 1, 1, 1, 1), widths=(6, 8, 8, 8, 8))
    )
    assert kernels.columns == 3
    assert kernels.note == ""
    assert (kernels.images == kernels.images[..., :1]).all()


def test_constant_kernel_is_gray(make_run):
    from alexnet.weights import write

    run = make_run()
    arrays = read(run.folder / "best.safetensors")
    arrays["conv1.weight"][3] = 0.25
    write(arrays, run.folder / "best.safetensors")
    assert (first_layer_kernels(run).images[3] == 128).all()


def test_figure_scales_kernels_by_an_integer_factor(run):
    kernels = first_layer_kernels(run)
    figure = plot_kernels(kernels)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))
    (axes,) = figure.axes
    box = axes.get_window_extent()
    (grid,) = kernel_grids(kernels)
    scale = round(box.width) // grid.shape[1]
    left, top = round(box.x0), len(pixels) - round(box.y1)
    assert figure.dpi == DPI
    displayed = pixels[top + scale // 2 :: scale, left + scale // 2 :: scale]
    assert (displayed[: grid.shape[0], : grid.shape[1]] == grid).all()


def test_grid_has_a_moderate_aspect_ratio_and_full_rows():
    for count in range(4, 200):
        across = kernels_per_row(count)
        down = -(-count // across)
        assert 0.7 < across / down < 7
        assert across * down - count < across


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figure_in_every_format(command, run, tmp_path, suffix):
    target = tmp_path / f"kernels.{suffix}"
    result = command("show", "filters", run.folder, "-o", target)
    assert result == (0, f"{target}\n", "")
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert target.read_bytes().startswith(magic)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figure_is_reproducible(command, run, tmp_path, suffix):
    contents = []
    for name in "ab":
        command("show", "filters", run.folder, "-o", tmp_path / f"{name}.{suffix}")
        contents.append((tmp_path / f"{name}.{suffix}").read_bytes())
    assert contents[0] == contents[1]


def test_default_output_is_in_the_run_folder_and_is_overwritten(command, run):
    expected = run.folder / "figures" / "filters.png"
    for _ in range(2):
        assert command("show", "filters", run.folder) == (0, f"{expected}\n", "")
    assert expected.read_bytes().startswith(b"\x89PNG")


def test_existing_file_is_overwritten_only_with_force(command, run, tmp_path):
    target = tmp_path / "mine.png"
    target.write_text("a diary")
    result = command("show", "filters", run.folder, "-o", target)
    assert result.status == 2
    assert "--force" in result.err
    assert result.err.count("\n") == 1
    assert target.read_text() == "a diary"
    assert command("show", "filters", run.folder, "-o", target, "--force").status == 0
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kernels.gif", ".png, .svg, .pdf"),
        ("kernels", ".png, .svg, .pdf"),
        ("absent/kernels.png", "no such folder"),
        (".", "it is a folder"),
    ],
)
def test_invalid_output_paths_exit_with_2(command, run, tmp_path, name, message):
    result = command("show", "filters", run.folder, "-o", tmp_path / name)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_run_without_weights_fails(command, run):
    (run.folder / "best.safetensors").unlink()
    result = command("show", "filters", run.folder)
    assert result.status == 2
    assert "no epoch has finished yet" in result.err
    assert not (run.folder / "figures").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_run_fails(command, run):
    run.folder.chmod(0o500)
    result = command("show", "filters", run.folder)
    assert result.status == 2
    assert "is not writable; choose another path" in result.err


def test_file_named_figures_fails(command, run):
    (run.folder / "figures").write_text("mine")
    result = command("show", "filters", run.folder)
    assert result.status == 2
    assert "figures is not a folder" in result.err


def test_folder_that_is_not_a_run_fails(command, tmp_path):
    result = command("show", "filters", tmp_path)
    assert result.status == 2
    assert "is not a run" in result.err
