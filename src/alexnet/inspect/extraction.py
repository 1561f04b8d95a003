"""Extract the features of images, batch by batch, and write them to a file."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.data.unreadable import skipped_notices, unreadable_message
from alexnet.errors import UserError
from alexnet.inspect.feature_files import FORMATS, Rows, open_feature_file
from alexnet.inspect.input_images import label_from_folder
from alexnet.inspect.opened_run import OpenedRun, as_run, check_layer, layer_shapes, open_run
from alexnet.io.output_paths import check_output_file, file_name
from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.reading import read_batches
from alexnet.progress import Progress, no_progress
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Activation, Conv, Dense, Shape

LAYER = "fc7"
FOLDER = "features"
"""The subfolder of a run that features are written to by default."""


@dataclass(frozen=True, kw_only=True)
class FeatureBlock:
    """The features of the readable images of one batch."""

    paths: list[str]
    values: NDArray[np.float32]
    """(len(paths), *shape of the layer)"""
    unreadable: list[tuple[str, str]]
    """Path and reason of each unreadable image."""


@dataclass(frozen=True, kw_only=True)
class FeatureExtraction:
    """The result of `extract_features`."""

    files: tuple[Path, ...]
    num_rows: int
    shape: Shape
    """The shape of the features of one image."""
    notices: tuple[str, ...]


def iterate_features(
    opened: OpenedRun,
    inputs: Iterable[Input],
    layer: str,
    *,
    compute: Compute = Compute(),
) -> Iterator[FeatureBlock]:
    """Yield the features of images in order; memory does not grow with their number."""
    shape = layer_shapes(opened.run.architecture)[layer]
    resize_px = opened.run.preprocessing.resize_px
    for batch in read_batches(inputs, resize_px, compute.workers, compute.batch_size):
        images = [result for _, result in batch if not isinstance(result, str)]
        yield FeatureBlock(
            paths=[source.path for source, result in batch if not isinstance(result, str)],
            values=(
                opened.activations(images, layer) if images else np.zeros((0, *shape), np.float32)
            ),
            unreadable=[
                (source.path, result) for source, result in batch if isinstance(result, str)
            ],
        )


def extract_features(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    layer: str = LAYER,
    post_relu: bool | None = None,
    force: bool = False,
    compute: Compute = Compute(),
    progress: Progress = no_progress,
) -> FeatureExtraction:
    """Write the output of a layer for images, one row per image.

    Unreadable images have no row and are named in the notices. Files are written atomically.

    Args:
        paths: Files, folders and patterns; see `alexnet.prediction.find_inputs`.
        output: `.npy` (with a `.csv` of the path and label of each row), `.h5` (datasets
            `features`, `paths`, `labels`) or `.parquet` (columns `path`, `label`, `feature`).
            Default: RUN/features/NAME-LAYER.npy. The label is the name of the image's folder if
            that is a class, otherwise empty.
        layer: Name of the layer. `fc7` is the output before the ReLU and `relu7` the one after
            it; the "fc7 features" of Caffe and of many papers are `relu7`.
        post_relu: True for the output of the ReLU that follows the layer, False for its input,
            None for the layer as named.
        force: Overwrite existing files.

    Raises:
        UserError: not a run, an unknown layer, no readable images, an unknown format or one whose
            library is not installed, or an existing file.
        RunError: the network computes non-finite values, or the disk is full.

    Example:
        `extract_features("runs/flowers", ["flowers"], "features.npy", layer="relu7")`
    """
    run = as_run(run)
    layer = resolve_relu(run.architecture, layer, post_relu)
    inputs = list(find_inputs(paths))
    path = _default_output(run, inputs, layer) if output is None else output
    target = check_output_file(
        path,
        label="table of features",
        formats=FORMATS,
        overwrite=force,
        create_parent=output is None,
    )
    opened = open_run(run, compute)
    shape = layer_shapes(run.architecture)[layer]
    unreadable: list[tuple[str, str]] = []
    with (
        open_feature_file(target, len(inputs), shape, force=force) as (file, files),
        progress(f"computing {layer} features", len(inputs)) as steps,
    ):
        for block in iterate_features(opened, inputs, layer, compute=compute):
            file.append(_rows(block, run))
            unreadable += block.unreadable
            steps.advance(len(block.paths) + len(block.unreadable))
        if len(unreadable) == len(inputs):
            raise UserError(unreadable_message(unreadable))
    return FeatureExtraction(
        files=files,
        num_rows=len(inputs) - len(unreadable),
        shape=shape,
        notices=skipped_notices(unreadable, len(inputs)),
    )


def _rows(block: FeatureBlock, run: Run) -> Rows:
    indices = [label_from_folder(path, run.classes) for path in block.paths]
    labels = ["" if index is None else run.classes[index] for index in indices]
    return Rows(paths=block.paths, labels=labels, values=block.values)


def _default_output(run: Run, inputs: list[Input], layer: str) -> Path:
    """Return RUN/features/FOLDER-LAYER.npy, with FOLDER the common parent of all images."""
    try:
        common = os.path.commonpath([Path(source.path).absolute() for source in inputs])
    except ValueError:  # on several drives
        common = ""
    name = file_name([Path(common).stem or "images", layer])
    return run.folder / FOLDER / f"{name}.npy"


def resolve_relu(net: Architecture, layer: str, post_relu: bool | None) -> str:
    """Return the name of the layer before or after the ReLU that belongs to a layer.

    Raises:
        UserError: unknown layer, or no ReLU directly follows it.

    Example:
        >>> from alexnet import architecture
        >>> [resolve_relu(architecture("half"), "fc7", post) for post in (None, False, True)]
        ['fc7', 'fc7', 'relu7']
    """
    check_layer(net, layer)
    if post_relu is None:
        return layer
    layers = {one.name: one for one in net.layers}
    number = re.sub(r"\D", "", layer)
    before = next((name for name in (f"conv{number}", f"fc{number}") if name in layers), None)
    after = f"relu{number}"
    if after not in layers or not isinstance(layers[layer], (Conv, Dense, Activation)):
        weighted = [one.name for one in net.layers if isinstance(one, (Conv, Dense))]
        choices = [name for name in weighted if f"relu{name[-1]}" in layers]
        raise UserError(
            f"{layer} is not followed by a ReLU; omit --post-relu and --pre-relu (post_relu=None), "
            f"or choose from {', '.join(choices)}"
        )
    assert before is not None
    return after if post_relu else before
