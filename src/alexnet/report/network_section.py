"""The network in the report: its layers, its drawing and the kernels of conv1."""

from collections.abc import Mapping
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from alexnet.html.embedded_images import Image, data_uri, embed_pixels
from alexnet.inspect.kernels import kernel_grids, kernels_from_weights
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.summary.drawing.output import render_drawing

_KERNELS_PX = 580
_PX_PER_PT = 96 / 72


class LayerRow(NamedTuple):
    """A row of the table of layers."""

    name: str
    type: str
    output_shape: str
    num_parameters: int


class KernelImages(NamedTuple):
    """Images of the kernels, one per column of the network, and their caption."""

    images: list[Image]
    caption: str


def layer_rows(network: Architecture) -> list[LayerRow]:
    """Return every layer with its type, output shape and number of parameters."""
    return [
        LayerRow(
            step.layer.name,
            type(step.layer).__name__,
            "×".join(map(str, step.output_shape)),
            step.num_parameters,
        )
        for step in network.trace()
    ]


def network_drawing(network: Architecture) -> Image:
    """Draw the network in the style of the paper's figure 2."""
    content = render_drawing(network, "svg")
    box = ElementTree.fromstring(content).attrib["viewBox"]
    width, height = (round(_PX_PER_PT * float(size)) for size in box.split()[2:])
    alt = f"Drawing of the network {network.variant}: the feature maps of each layer, to scale."
    return Image(data_uri("image/svg+xml", content), alt, width, height)


def kernel_images(run: Run, weights: Mapping[str, NDArray[np.float32]]) -> KernelImages:
    """Draw the kernels of conv1 in RGB, with one image per column of the network."""
    kernels = kernels_from_weights(run, weights["conv1.weight"])
    count, height, width, _ = kernels.images.shape
    caption = f"The {count} kernels of conv1, {height}×{width} pixels, each scaled to its own range"
    grids = kernel_grids(kernels)
    suffixes = [""]
    if len(grids) > 1:
        suffixes = [f", column {i + 1} of {len(grids)}" for i in range(len(grids))]
        caption += f"; the network has {len(grids)} columns of {count // len(grids)} kernels each"
    images = [
        embed_pixels(grid, f"{caption}{suffix}.", _KERNELS_PX)
        for grid, suffix in zip(grids, suffixes, strict=True)
    ]
    note = f" {kernels.note[0].upper()}{kernels.note[1:]}." if kernels.note else ""
    return KernelImages(images, f"{caption}.{note}")
