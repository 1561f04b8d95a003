"""Compose the drawing of an architecture: boxes, kernels, connections and texts."""

import itertools
import math
from collections.abc import Iterator, Sequence

from alexnet.spec.architectures import Architecture
from alexnet.summary.drawing.labels import place_labels
from alexnet.summary.drawing.layout import PlacedStage, place_stages
from alexnet.summary.drawing.scene import Item, Line, Point, Polygon, Scene
from alexnet.summary.drawing.solids import Solid
from alexnet.summary.drawing.stages import plan_stages
from alexnet.text import pluralize

_EDGE = "#33475b"
_FACES = {  # the left, top and front face
    "input": ("#f7ead0", "#fdf8ec", "#faf1de"),
    "map": ("#bcd5ea", "#e3eef7", "#d2e4f2"),
    "dense": ("#b5d8c3", "#e0f0e6", "#cce6d6"),
}
_KERNEL, _KERNEL_FILL = "#c8501e", "#f2a07a"
_DENSE_LINE = "#9aa3ad"
_KERNEL_CENTERS = ((0.52, 0.30), (0.30, 0.66))
"""Down and away, alternating, so that a kernel does not cover the pixel of the kernel before."""
_MIN_DOT = 3.6
"""Minimum side of the output pixel of a kernel, in points."""


def compose_scene(architecture: Architecture) -> Scene:
    """Return the scene, y downwards, with an arbitrary origin."""
    placed = place_stages(plan_stages(architecture))
    items: list[Item] = []
    for one in placed:
        for solid in one.solids:
            items += _box(solid, one)
    for number, (before, after) in enumerate(itertools.pairwise(placed)):
        if after.stage.size_px is None:
            items += _dense_lines(before, after)
        else:
            items += _kernels(before, after, _KERNEL_CENTERS[number % 2])
    items += place_labels(placed, items)
    return Scene(title=_title(architecture), description=_description(architecture), items=items)


def _box(solid: Solid, one: PlacedStage) -> Iterator[Item]:
    kind = "input" if one.stage.name == "input" else "map" if one.stage.size_px else "dense"
    return _faces(solid, _FACES[kind], _EDGE, one.stage.name)


def _faces(
    solid: Solid, fills: tuple[str, str, str], edge: str, part: str, opacity: float = 1.0
) -> Iterator[Item]:
    width = 0.6 if opacity == 1 else 0.5
    faces = (solid.left_face, solid.top_face, solid.front_face)
    for points, fill in zip(faces, fills, strict=True):
        yield Polygon(points=points, fill=fill, edge=edge, width=width, opacity=opacity, part=part)


def _kernels(
    before: PlacedStage, after: PlacedStage, center: tuple[float, float]
) -> Iterator[Item]:
    """Yield a kernel in each input column, with lines to its output pixels."""
    stage = after.stage
    dot_scale = max(1 / (stage.size_px or 1), _MIN_DOT / after.solids[0].height)
    pairs = {
        (source, slab)
        for sources, slab in zip(stage.sources, stage.slabs, strict=True)
        for source in sources
    }
    kernels = {
        (source, slab): before.solids[source].part(center, stage.kernel_scale, slab)
        for source, slab in sorted(pairs)
    }
    for kernel in kernels.values():
        yield from _faces(kernel, (_KERNEL_FILL,) * 3, _KERNEL, stage.name, opacity=0.45)
    for solid, sources, slab in zip(after.solids, stage.sources, stage.slabs, strict=True):
        dot = solid.part(center, dot_scale)
        for source in sources:
            yield from _pyramid(kernels[source, slab], dot.at(0, 0.5, 0.5), stage.name)
        yield Polygon(points=dot.left_face, fill=_KERNEL, edge=_KERNEL, width=0.4, part=stage.name)


def _pyramid(kernel: Solid, tip: Point, part: str) -> Iterator[Item]:
    """Yield the two outer lines from the far end of a kernel to its output pixel.

    The two inner lines are usually so close to these that the dashes would run together.
    """
    corners = [kernel.at(1, down, away) for down, away in ((0, 0), (0, 1), (1, 0), (1, 1))]
    corners.sort(key=lambda corner: math.atan2(tip.y - corner.y, tip.x - corner.x))
    for corner in (corners[0], corners[-1]):
        yield Line(start=corner, end=tip, color=_KERNEL, width=0.45, dashes=(2.4, 1.6), part=part)


def _dense_lines(before: PlacedStage, after: PlacedStage) -> Iterator[Item]:
    """Yield lines between the ends of the input boxes and the bars; fewer across columns."""
    all_ends, same_ends = ((0, 0), (0, 1), (1, 0), (1, 1)), ((0, 0), (1, 1))
    for row, target in enumerate(after.solids):
        for column, source in enumerate(before.solids):
            is_other = row != column and len(after.solids) == len(before.solids)
            for start, end in same_ends if is_other else all_ends:
                yield Line(
                    start=source.at(1, start, 0),
                    end=target.at(0, end, 0.5),
                    color=_DENSE_LINE,
                    width=0.45,
                    dashes=(2.4, 1.6),
                    part=after.stage.name,
                )


def _title(architecture: Architecture) -> str:
    size = architecture.image_size
    return (
        f"AlexNet, {architecture.variant}: from {architecture.in_channels} × {size} × {size} to "
        f"{pluralize(architecture.num_classes, 'class', 'classes')}"
    )


def _description(architecture: Architecture) -> str:
    sizes: Sequence[str] = [
        f"{step.layer.name} {' × '.join(map(str, step.output_shape))}"
        for step in architecture.trace()
        if step.layer.name.startswith(("conv", "pool", "adaptive", "fc"))
    ]
    return "; ".join(sizes)
