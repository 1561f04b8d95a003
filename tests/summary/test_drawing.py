"""Drawings: no overlapping texts for any network, and correct labels."""

import io
import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from PIL import Image

from alexnet import Architecture, UserError, architecture, variants
from alexnet.summary.drawing.compose import compose_scene
from alexnet.summary.drawing.figure import plot_scene
from alexnet.summary.drawing.output import draw, render_drawing
from alexnet.summary.drawing.page import fit_page
from alexnet.summary.drawing.scene import Line
from alexnet.summary.drawing.stages import plan_stages

from ..strategies import changes

SVG = "{http://www.w3.org/2000/svg}"


def drawing(net: Architecture) -> Figure:
    figure = plot_scene(*fit_page(compose_scene(net)))
    figure.set_dpi(72)  # one pixel per point
    return figure


def outlines_of(figure: Figure) -> list[np.ndarray]:
    """Return the corners of every line and face, (n, 2) in points, y upwards."""
    axes = figure.axes[0]
    corners = [line.get_xydata() for line in axes.get_children() if isinstance(line, Line2D)]
    corners += [face.get_xy() for face in axes.get_children() if isinstance(face, Polygon)]
    return [axes.transData.transform(np.asarray(xy, float)) for xy in corners]


def check_texts(net: Architecture) -> None:
    """Check that no text overlaps another text, a line or an edge, as rendered by matplotlib."""
    figure = drawing(net)
    texts = [child for child in figure.axes[0].get_children() if isinstance(child, Text)]
    texts = [text for text in texts if text.get_text()]
    labels = [text.get_text() for text in texts]
    for stage in plan_stages(net):
        assert {stage.name, str(stage.channels), *stage.notes} <= set(labels)
        if stage.size_px is not None:
            size = str(stage.size_px)
            assert size in labels or f"{size} × {size}" in labels
    boxes = np.array([text.get_window_extent().extents for text in texts])
    left, bottom, right, top = boxes.T
    overlap = (
        (left[:, None] < right) & (left < right[:, None])
        & (bottom[:, None] < top) & (bottom < top[:, None])
    )  # fmt: skip
    np.fill_diagonal(overlap, False)
    assert not overlap.any(), [(labels[i], labels[j]) for i, j in np.argwhere(overlap)]
    page = figure.bbox.extents
    assert (boxes[:, :2] >= page[:2]).all()
    assert (boxes[:, 2:] <= page[2:]).all()
    outlines = outlines_of(figure)
    x, y = np.concatenate([points_along(corners) for corners in outlines]).T[:, :, None]
    touched = ((left < x) & (x < right) & (bottom < y) & (y < top)).any(0)
    assert not touched.any(), [labels[i] for i in np.flatnonzero(touched)]
    middles = np.stack([(left + right) / 2, (bottom + top) / 2], axis=1)
    for corners in outlines:
        if len(corners) > 2:
            assert not Outline(corners).contains_points(middles).any()


def points_along(corners: np.ndarray) -> np.ndarray:
    """Return points on the edges, at most half a point apart."""
    points = []
    for start, end in itertools.pairwise(corners):
        steps = int(np.linalg.norm(end - start) * 2) + 2
        points.append(start + np.linspace(0, 1, steps)[:, None] * (end - start))
    return np.concatenate(points)


CHANGES: dict[str, dict[str, Any]] = {
    "unchanged": {},
    "67 pixels": {"image_size": 67},
    "512 pixels": {"image_size": 512},
    "8 channels": {"widths": 8},
    "1024 channels": {"widths": 1024},
    "2 classes": {"num_classes": 2},
    "21841 classes": {"num_classes": 21841, "dropout": 0},
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("variant", variants())
def test_texts_of_every_variant_do_not_overlap(variant: str, change: str) -> None:
    check_texts(architecture(variant, **CHANGES[change]))


@st.composite
def networks(draw: st.DrawFn) -> dict[str, Any]:
    """Generate networks of common sizes and larger, with up to eight columns."""
    columns = draw(st.sampled_from([1, 2, 2, 3, 4, 8]))
    groups = st.sampled_from([1, columns])
    channels = st.integers(1, 1500 // columns).map(lambda n: n * columns)
    return {
        "image_size": draw(st.integers(30, 600)),
        "in_channels": columns * draw(st.integers(1, 3)),
        "widths": draw(st.tuples(*[channels] * 5)),
        "groups": draw(st.tuples(*[groups] * 5)),
        "kernels": draw(st.tuples(st.integers(1, 15), *[st.integers(1, 7)] * 4)),
        "strides": draw(st.tuples(st.integers(1, 5), *[st.integers(1, 3)] * 4)),
        "paddings": draw(st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * 5)),
        "pool_layers": tuple(draw(st.sets(st.integers(1, 5)))),
        "norm": draw(st.sampled_from(["none", "lrn", "batch"])),
        "norm_layers": tuple(draw(st.sets(st.integers(1, 5)))),
        "hidden": draw(st.tuples(st.integers(1, 30000), st.integers(1, 30000))),
        "num_classes": draw(st.integers(1, 30000)),
        "dropout": draw(st.sampled_from([0, 0.5, 0.125])),
        "dropout_position": draw(st.sampled_from(["before", "after"])),
        "adaptive_pool": draw(st.sampled_from([None, 1, 6, 20])),
    }


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.one_of(networks(), networks(), changes()))
def test_texts_of_random_networks_do_not_overlap(changed: dict[str, Any]) -> None:
    try:
        net = architecture("paper", **changed)
    except UserError:
        assume(False)
    check_texts(net)


def texts_of(net: Architecture) -> Counter[str]:
    root = ElementTree.fromstring(render_drawing(net, "svg"))
    return Counter(text.text or "" for text in root.iter(f"{SVG}text"))


def test_the_drawing_of_the_paper_matches_its_figure_2() -> None:
    """Two columns with half of the channels each, connected in conv3 and the dense layers."""
    net = architecture("paper")
    stages = {stage.name: stage for stage in plan_stages(net)}
    own, both, input_alone = ((0,), (1,)), ((0, 1), (0, 1)), ((0,), (0,))
    sources = {name: stage.sources for name, stage in stages.items() if name != "input"}
    assert sources == {
        "conv1": input_alone, "conv2": own, "conv3": both, "conv4": own, "conv5": own,
        "fc6": both, "fc7": both, "fc8": ((0, 1),),
    }  # fmt: skip
    labels = texts_of(net)
    numbers = {"48": 2, "128": 4, "192": 4, "2048": 4, "1000": 1, "3": 1}
    numbers |= {"224": 2, "55": 2, "27": 2, "13": 6}
    notes = {"Max pooling": 3, "Stride of 4": 1, "LRN": 2, "dense": 3, "Dropout 0.5": 2}
    notes |= {"11 × 11 kernels": 1, "5 × 5 kernels": 1, "3 × 3 kernels": 3}
    notes |= {"to 27 × 27": 1, "to 13 × 13": 1, "to 6 × 6": 1}
    names = dict.fromkeys(("input", *(f"conv{n}" for n in range(1, 6)), "fc6", "fc7", "fc8"), 1)
    assert labels == numbers | notes | names
    lines = Counter(item.part for item in compose_scene(net).items if isinstance(item, Line))
    assert lines["conv3"] == 2 * lines["conv2"] == 8


@pytest.mark.parametrize(
    ("changed", "notes"),
    [
        ({"groups": (1, 8, 8, 8, 8)}, {"8 groups": 4}),
        ({"groups": (1, 3, 2, 1, 1), "widths": 12}, {"3 groups": 1, "2 groups": 1}),
        ({"norm": "batch"}, {"Batch norm": 2}),
        ({"adaptive_pool": 4}, {"Average pooling": 1, "to 4 × 4": 1}),
        ({"adaptive_pool": 6}, {"Average pooling": 0}),
        ({"pool_layers": ()}, {"Max pooling": 0}),
        ({"strides": (4, 2, 1, 1, 1)}, {"Stride of 2": 1}),
    ],
)
def test_notes_describe_the_layers(changed: dict[str, Any], notes: dict[str, int]) -> None:
    labels = texts_of(architecture("full", **changed))
    assert {note: labels[note] for note in notes} == notes


def test_larger_maps_and_more_channels_are_drawn_larger() -> None:
    from alexnet.summary.drawing.solids import bar, volume

    sizes = [volume(size, 100).height for size in (3, 13, 27, 55, 224, 512)]
    channels = [volume(13, count).thickness for count in (3, 8, 48, 384, 1024)]
    units = [bar(count).height for count in (100, 1000, 2048, 4096)]
    for values in (sizes, channels, units):
        assert values == sorted(set(values))


@pytest.mark.parametrize("variant", ["paper", "owt"])
def test_svg_is_xml_with_text_elements(variant: str) -> None:
    net = architecture(variant, num_classes=5)
    root = ElementTree.fromstring(render_drawing(net, "svg"))
    width, height = (float(root.attrib[name].removesuffix("pt")) for name in ("width", "height"))
    assert root.attrib["viewBox"] == f"0 0 {width:g} {height:g}"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == f"AlexNet, {variant}: from 3 × 224 × 224 to 5 classes"
    assert "conv1" in (root[1].text or "")
    for text in root.iter(f"{SVG}text"):
        x, y, text_width = (float(text.attrib[name]) for name in ("x", "y", "textLength"))
        assert 0 < text_width < 100
        assert 0 <= x <= width
        assert 0 <= y <= height
    figure = drawing(net)
    labels = [text.get_text() for text in figure.axes[0].findobj(Text) if text.get_text()]
    assert Counter(labels) == texts_of(net)


def test_svg_escapes_the_name_of_the_variant() -> None:
    net = Architecture(variant='<a & "b">\x1b\x00')
    title = ElementTree.fromstring(render_drawing(net, "svg"))[0].text
    assert title == 'AlexNet, <a & "b">\\x1b\\x00: from 3 × 224 × 224 to 1,000 classes'
    assert render_drawing(net, "pdf").startswith(b"%PDF")


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_the_same_network_gives_the_same_file(command, tmp_path: Path, format: str) -> None:
    contents = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{format}"
        assert command("draw", "half", "-o", path) == (0, "", "")
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[format])


def test_png_is_sharp_enough_for_print() -> None:
    with Image.open(io.BytesIO(render_drawing(architecture("paper"), "png"))) as image:
        assert image.size[0] > 1500
        ink = (np.asarray(image.convert("L")) < 250).mean()
    assert 0.1 < ink < 0.9


def test_pdf_text_is_searchable() -> None:
    content = render_drawing(architecture("paper"), "pdf")
    assert re.search(rb"/FontName /\w*\+?STIXGeneral", content)
    assert b"/Type3" not in content


REPLACE = "choose another name, or replace it with --force (overwrite=True)"


def test_an_existing_file_is_not_overwritten(command, tmp_path: Path) -> None:
    path = tmp_path / "figure.svg"
    path.write_text("mine")
    result = command("draw", "half", "-o", path)
    assert (result.status, result.out) == (2, "")
    assert result.err == f"error: {path} already exists; {REPLACE}\n"
    with pytest.raises(UserError, match=r"already exists; .*overwrite=True"):
        draw(architecture("half"), path)
    assert path.read_text() == "mine"
    assert command("draw", "half", "-o", path, "--force").status == 0
    assert path.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("half", "-o", "figure.jpg"), "figure.jpg: the suffix must be one of .svg, .png, .pdf"),
        (("half", "-o", "figure"), "figure: the suffix must be one of .svg"),
        (("half", "-o", "nowhere/figure.svg"), "no such folder: nowhere"),
        (("half",), "Missing option"),
        (("hlaf", "-o", "figure.svg"), "did you mean 'half'?"),
        (("half", "-o", "figure.svg", "--set", "image_size=9"), "a 9x9 image is too small"),
        (("half", "-o", "figure.svg", "--set", "width=9"), "did you mean 'widths'?"),
    ],
)
def test_draw_errors_are_one_line(
    command,
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("draw", *arguments)
    assert result.status == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_summaries_import_no_framework() -> None:
    code = (
        "import sys, alexnet; s = alexnet.summary\n"
        "heavy = {'torch', 'keras', 'tensorflow', 'jax', 'matplotlib', 'cv2', 'scipy', 'numpy'}\n"
        "net = s.resolve_architecture('paper'); s.summarize(net)\n"
        "s.compare_architectures(net, net)\n"
        "print(heavy & set(sys.modules))\n"
        "from alexnet.summary.drawing.output import render_drawing; render_drawing(net, 'pdf')\n"
        "print((heavy - {'matplotlib', 'numpy'}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "set()"]


@pytest.mark.parametrize("name", ["info", "draw", "compare", "size"])
def test_help_fits_into_80_columns(name: str) -> None:
    code = "from alexnet.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, name, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
