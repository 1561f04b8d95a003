"""The network's part of the report: its layers, its drawing, its first kernels."""

from collections.abc import Mapping
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from alexnet.html.embedded_images import Image, data_uri, enlarged
from alexnet.inspect.kernels import filter_grids, filters_of
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.summary.drawing.output import rendered

_KERNELS_PX = 580
_PX_PER_PT = 96 / 72


class Row(NamedTuple):
    """A layer of the network."""

    name: str
    kind: str
    output: str
    num_parameters: int


class Kernels(NamedTuple):
    """Images of kernels, one for each column of the net, and what they are."""

    images: list[Image]
    said: str


def layers(network: Architecture) -> list[Row]:
    """Every layer with its output, as `Architecture.trace` works it out."""
    return [
        Row(
            step.layer.name,
            type(step.layer).__name__,
            "×".join(map(str, step.output_shape)),
            step.num_parameters,
        )
        for step in network.trace()
    ]


def drawing(network: Architecture) -> Image:
    """The network in the manner of the paper's figure 2."""
    content = rendered(network, "svg")
    box = ElementTree.fromstring(content).attrib["viewBox"]
    width, height = (round(_PX_PER_PT * float(size)) for size in box.split()[2:])
    alt = f"The network drawn: {network.variant}, boxes for the maps of each layer, to scale."
    return Image(data_uri("image/svg+xml", content), alt, width, height)


def kernels(run: Run, weights: Mapping[str, NDArray[np.float32]]) -> Kernels:
    """The kernels of conv1, red, green and blue as such, those of each column by themselves."""
    found = filters_of(run, weights["conv1.weight"])
    count, height, width, _ = found.kernels.shape
    said = f"The {count} kernels of conv1, {height}×{width} pixels, each scaled to its own range"
    grids = filter_grids(found)
    of = [f", column {i + 1} of {len(grids)}" if len(grids) > 1 else "" for i in range(len(grids))]
    if len(grids) > 1:
        each = count // len(grids)
        said += f"; the network has {len(grids)} columns, of {each} kernels each"
    images = [
        enlarged(grid, f"{said}{one}.", _KERNELS_PX) for grid, one in zip(grids, of, strict=True)
    ]
    note = f" {found.note[0].upper()}{found.note[1:]}." if found.note else ""
    return Kernels(images, f"{said}.{note}")
