"""The network's part of the report: its layers, its drawing, its first kernels."""

from collections.abc import Mapping
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from alexnet.architecture import Architecture
from alexnet.evaluation import figures
from alexnet.explain.drawing.output import rendered
from alexnet.pages.images import Image, data_uri, pixels
from alexnet.run import Run

_KERNELS = 96
_PX_PER_PT = 96 / 72


class Row(NamedTuple):
    """A layer of the network."""

    name: str
    kind: str
    output: str
    parameters: int


def layers(network: Architecture) -> list[Row]:
    """Every layer with its output, as `Architecture.trace` works it out."""
    return [
        Row(
            step.layer.name,
            type(step.layer).__name__,
            " x ".join(map(str, step.output_shape)),
            step.parameters,
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


def kernels(run: Run, weights: Mapping[str, NDArray[np.float32]]) -> Image:
    """The kernels of conv1, red, green and blue as such."""
    found = weights["conv1.weight"]
    if run.preprocessing.channels == "bgr":
        found = found[:, ::-1]
    count, _, height, width = found.shape
    shown = f"The first {_KERNELS} of {count}" if count > _KERNELS else f"The {count}"
    alt = f"{shown} kernels of conv1, {height} x {width} pixels, each scaled by itself."
    return pixels(figures.kernel_grid(found), alt)
