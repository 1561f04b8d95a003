"""The grid of kernels against the weights, and the file that a person gets."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from alexnet.inspect.kernels import across_of, filter_grids, filters
from alexnet.plots import filters_figure
from alexnet.plots.canvas import DPI
from alexnet.weights import read


def shade(kernel: np.ndarray, channel: int, y: int, x: int) -> int:
    """What one value of a kernel (C, H, W) has to be, by hand."""
    share = (kernel[channel, y, x] - kernel.min()) / (kernel.max() - kernel.min())
    return round(float(share) * 255)


def test_each_kernel_lies_in_its_place_scaled_to_its_own_range(run):
    kernels = read(run.folder / "best.safetensors")["conv1.weight"]
    (grid,) = filter_grids(filters(run))
    across = across_of(8)
    for number, y, x in [(0, 0, 0), (5, 3, 10), (7, 10, 2)]:
        top, left = number // across * 12, number % across * 12
        expected = [shade(kernels[number], channel, y, x) for channel in range(3)]
        assert grid[top + y, left + x].tolist() == expected
    assert (grid[11] == 255).all() or grid.shape[0] == 11
    assert (grid[:, 11] == 255).all()


def test_bgr_is_turned_to_rgb(make_run):
    bgr, rgb = make_run("bgr", channels="bgr"), make_run("rgb")
    assert (filters(bgr).kernels == filters(rgb).kernels[..., ::-1]).all()


def test_gray_networks_have_gray_kernels(make_run):
    kernels = filters(make_run(channels="gray")).kernels
    assert kernels.shape == (8, 11, 11, 3)
    assert (kernels == kernels[..., :1]).all()
    assert (kernels.min(axis=(1, 2, 3)) == 0).all()
    assert (kernels.max(axis=(1, 2, 3)) == 255).all()


@pytest.mark.parametrize(
    ("variant", "groups", "columns"),
    [("half", (1, 1, 1, 1, 1), 1), ("paper", (1, 2, 1, 2, 2), 2), ("half", (1, 4, 1, 1, 1), 4)],
)
def test_columns_of_the_net_are_blocks(make_run, variant, groups, columns):
    found = filters(make_run(variant=variant, groups=groups))
    grids = filter_grids(found)
    assert len(grids) == columns
    assert (grids[-1][:11, :11] == found.kernels[8 - 8 // columns]).all()
    words = [text.get_text() for text in filters_figure(found).texts]
    assert f"column {columns} of {columns}" in words or columns == 1


def test_other_numbers_of_channels_are_shown_in_gray_and_said(make_run):
    found = filters(make_run(in_channels=3, groups=(3, 1, 1, 1, 1), widths=(6, 8, 8, 8, 8)))
    assert found.columns == 3
    assert found.note == ""
    assert (found.kernels == found.kernels[..., :1]).all()


def test_a_flat_kernel_is_gray(make_run):
    from alexnet.weights import write

    run = make_run()
    arrays = read(run.folder / "best.safetensors")
    arrays["conv1.weight"][3] = 0.25
    write(arrays, run.folder / "best.safetensors")
    assert (filters(run).kernels[3] == 128).all()


def test_every_pixel_of_a_kernel_is_a_square_of_the_image(run):
    found = filters(run)
    drawn = filters_figure(found)
    file = io.BytesIO()
    drawn.savefig(file, format="png")
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))
    (axes,) = drawn.axes
    box = axes.get_window_extent()
    (grid,) = filter_grids(found)
    scale = round(box.width) // grid.shape[1]
    left, top = round(box.x0), len(pixels) - round(box.y1)
    assert drawn.dpi == DPI
    seen = pixels[top + scale // 2 :: scale, left + scale // 2 :: scale]
    assert (seen[: grid.shape[0], : grid.shape[1]] == grid).all()


def test_the_grid_is_never_a_thin_strip():
    for count in range(4, 200):
        across = across_of(count)
        down = -(-count // across)
        assert 0.7 < across / down < 7
        assert across * down - count < across


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_file_in_every_format(command, run, tmp_path, ending):
    target = tmp_path / f"kernels.{ending}"
    found = command("show", "filters", run.folder, "-o", target)
    assert found == (0, f"{target}\n", "")
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert target.read_bytes().startswith(magic)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_same_run_gives_the_same_file(command, run, tmp_path, ending):
    contents = []
    for name in "ab":
        command("show", "filters", run.folder, "-o", tmp_path / f"{name}.{ending}")
        contents.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert contents[0] == contents[1]


def test_without_a_place_it_goes_into_the_run_and_is_replaced(command, run):
    expected = run.folder / "figures" / "filters.png"
    for _ in range(2):
        assert command("show", "filters", run.folder) == (0, f"{expected}\n", "")
    assert expected.read_bytes().startswith(b"\x89PNG")


def test_a_file_that_is_there_stays_without_force(command, run, tmp_path):
    target = tmp_path / "mine.png"
    target.write_text("a diary")
    found = command("show", "filters", run.folder, "-o", target)
    assert found.status == 2
    assert "--force" in found.err
    assert found.err.count("\n") == 1
    assert target.read_text() == "a diary"
    assert command("show", "filters", run.folder, "-o", target, "--force").status == 0
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("kernels.gif", ".png, .svg, .pdf"),
        ("kernels", ".png, .svg, .pdf"),
        ("absent/kernels.png", "there is no folder"),
        (".", "it is a folder"),
    ],
)
def test_places_where_no_figure_can_go(command, run, tmp_path, name, says):
    found = command("show", "filters", run.folder, "-o", tmp_path / name)
    assert found.status == 2
    assert says in found.err
    assert found.err.count("\n") == 1


def test_a_run_without_weights(command, run):
    (run.folder / "best.safetensors").unlink()
    found = command("show", "filters", run.folder)
    assert found.status == 2
    assert "no epoch of it has ended yet" in found.err
    assert not (run.folder / "figures").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="who may write everywhere")
def test_a_run_that_cannot_be_written_to(command, run):
    run.folder.chmod(0o500)
    found = command("show", "filters", run.folder)
    assert found.status == 2
    assert "give another place with -o" in found.err


def test_a_file_where_the_folder_of_figures_would_be(command, run):
    (run.folder / "figures").write_text("mine")
    found = command("show", "filters", run.folder)
    assert found.status == 2
    assert "there is no folder" in found.err


def test_not_a_run(command, tmp_path):
    found = command("show", "filters", tmp_path)
    assert found.status == 2
    assert "is not a run" in found.err
