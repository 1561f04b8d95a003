"""The features of images: what a layer makes of each, in blocks, to be written to a file."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.errors import UserError
from alexnet.inspect.feature_files import FORMATS, Rows, opened_file
from alexnet.inspect.input_images import none_readable, say_broken, truth_of
from alexnet.inspect.opened_run import Opened, as_run, check_layer, layer_shapes, open_run
from alexnet.io.output_paths import checked_target, file_name
from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.reading import read_batches
from alexnet.progress import Progress, no_progress
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Activation, Conv, Dense, Shape

LAYER = "fc7"
FOLDER = "features"
"""The folder under a run's where features go when no place is given."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """The features of the images of a batch that could be read."""

    paths: list[str]
    values: NDArray[np.float32]
    """(len(paths), *shape of the layer)"""
    broken: list[tuple[str, str]]
    """The paths of the others, with the reasons."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """The files of some features."""

    files: tuple[Path, ...]
    count: int
    shape: Shape
    """Of the features of one image."""
    notices: tuple[str, ...]


def feature_blocks(
    opened: Opened,
    inputs: Iterable[Input],
    layer: str,
    *,
    compute: Compute = Compute(),  # noqa: B008
) -> Iterator[Block]:
    """The features of images in their order; memory does not grow with their number."""
    size = opened.run.preprocessing.resize_px
    for batch in read_batches(inputs, size, compute.workers, compute.batch_size):
        images = [found for _, found in batch if not isinstance(found, str)]
        shape = layer_shapes(opened.run.architecture)[layer]
        yield Block(
            paths=[one.path for one, found in batch if not isinstance(found, str)],
            values=opened.outputs(images, layer) if images else np.zeros((0, *shape), np.float32),
            broken=[(one.path, found) for one, found in batch if isinstance(found, str)],
        )


def features(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    layer: str = LAYER,
    post_relu: bool | None = None,
    force: bool = False,
    compute: Compute = Compute(),  # noqa: B008
    progress: Progress = no_progress,
) -> Written:
    """Write what a layer makes of images, a row each, in the order in which they are found.

    An image that cannot be read has no row; the notices name it. Files are complete or absent.

    Args:
        paths: files, folders, patterns; see `alexnet.prediction.find_inputs`.
        output: `.npy` (beside it a `.csv` with path and label of each row), `.h5` (data sets
            `features`, `paths`, `labels`) or `.parquet` (columns `path`, `label`, `feature`).
            RUN/features/NAME-LAYER.npy when not given. The label is the image's folder where
            that has the name of a class, else empty.
        layer: by its usual name. `fc7` is what the layer itself gives, before the ReLU, and
            `relu7` what is behind it; Caffe's and many papers' "fc7 features" are the latter.
        post_relu: True for the output of the ReLU behind the layer, False for what goes into it;
            as the layer is named when not given.
        force: replace files that are there.

    Raises:
        UserError: not a run, a layer that it does not have, no images or none that can be
            read, a format that is not known or whose library is missing, a file that is there.
        RunError: the network computes values that are not finite, or the disk is full.

    Example:
        `features("runs/flowers", ["flowers"], "features.npy", layer="relu7")`
    """
    run = as_run(run)
    layer = with_relu(run.architecture, layer, post_relu)
    inputs = list(find_inputs(paths))
    place = _default_target(run, inputs, layer) if output is None else output
    target = checked_target(place, FORMATS, "table of features", force=force, in_run=output is None)
    opened = open_run(run, compute)
    shape = layer_shapes(run.architecture)[layer]
    broken: list[tuple[str, str]] = []
    what = f"computing {layer} of images"
    with (
        opened_file(target, len(inputs), shape, force=force) as (file, files),
        progress(what, len(inputs)) as steps,
    ):
        for block in feature_blocks(opened, inputs, layer, compute=compute):
            file.add(_rows(block, run))
            broken += block.broken
            steps.advance(len(block.paths) + len(block.broken))
        if len(broken) == len(inputs):
            raise UserError(none_readable(broken))
    return Written(
        files=files,
        count=len(inputs) - len(broken),
        shape=shape,
        notices=say_broken(broken, len(inputs)),
    )


def _rows(block: Block, run: Run) -> Rows:
    numbers = [truth_of(path, run.classes) for path in block.paths]
    labels = ["" if number is None else run.classes[number] for number in numbers]
    return Rows(paths=block.paths, labels=labels, values=block.values)


def _default_target(run: Run, inputs: list[Input], layer: str) -> Path:
    """RUN/features/FOLDER-LAYER.npy, after the folder that all images lie in."""
    try:
        common = os.path.commonpath([Path(one.path).absolute() for one in inputs])
    except ValueError:  # on several drives
        common = ""
    name = file_name([Path(common).stem or "images", layer])
    return run.folder / FOLDER / f"{name}.npy"


def with_relu(net: Architecture, layer: str, post_relu: bool | None) -> str:
    """The name of the layer before or behind the ReLU, as is wanted.

    Raises:
        UserError: no such layer, or no ReLU directly behind it.

    Example:
        >>> from alexnet import architecture
        >>> [with_relu(architecture("half"), "fc7", post) for post in (None, False, True)]
        ['fc7', 'fc7', 'relu7']
    """
    check_layer(net, layer)
    if post_relu is None:
        return layer
    layers = {one.name: one for one in net.layers}
    number = re.sub(r"\D", "", layer)
    before = next((name for name in (f"conv{number}", f"fc{number}") if name in layers), None)
    behind = f"relu{number}"
    if behind not in layers or not isinstance(layers[layer], (Conv, Dense, Activation)):
        weighted = [one.name for one in net.layers if isinstance(one, (Conv, Dense))]
        choose = [name for name in weighted if f"relu{name[-1]}" in layers]
        raise UserError(
            f"{layer} has no ReLU of its own to be before or behind: leave the option out, or "
            f"choose from {', '.join(choose)}"
        )
    assert before is not None
    return behind if post_relu else before
