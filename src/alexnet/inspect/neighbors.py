"""The images that a run finds most alike (the paper's figure 4, right)."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.errors import UserError
from alexnet.inspect.feature_cache import Index, open_index
from alexnet.inspect.input_images import FEW, Seen, none_readable, read_images, say_broken
from alexnet.inspect.opened_run import as_run, check_layer, open_run
from alexnet.prediction.inputs import find_inputs
from alexnet.progress import Progress, no_progress
from alexnet.run import Run

LAYER = "relu7"
"""The last hidden layer's output, by which the paper compares images (section 6.1)."""

COUNT = 6
"""As many as figure 4 has."""

_ROWS = 512
"""Images that are compared at a time."""


@dataclass(frozen=True)
class Neighbor:
    """An image and how far it is from the one it is compared with."""

    path: str
    distance: float
    """Euclidean, of the features."""


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """One image and those nearest to it, the nearest first."""

    query: Seen
    found: tuple[Neighbor, ...]


@dataclass(frozen=True, kw_only=True)
class Similar:
    """Some images with those nearest to them."""

    run: Run
    layer: str
    queries: list[Neighbors]
    searched: int
    """Images that were looked at."""
    notices: tuple[str, ...]


def similar(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    among: Iterable[str | os.PathLike[str]],
    *,
    count: int = COUNT,
    layer: str = LAYER,
    compute: Compute = Compute(),  # noqa: B008
    progress: Progress = no_progress,
) -> Similar:
    """Of each image the nearest ones by the Euclidean distance of a layer's output.

    The features of the images that are searched are kept in the cache. A query is not compared
    with its own file; a copy of it under another name is found, at distance 0.

    Args:
        paths: the queries: files, folders, patterns; of more than 24 as many, spread evenly.
        among: the files, folders or patterns that are searched.
        count: how many images each query gets.

    Raises:
        UserError: not a run, one without weights, no such layer, no images on either side, or
            none that can be read.
        RunError: the network computes values that are not finite, or the disk is full.

    Example:
        `similar("runs/flowers", ["rose.jpg"], ["flowers/train"]).queries[0].found`
    """
    run = as_run(run)
    if count < 1:
        raise UserError(f"count has to be at least 1, got {count}")
    check_layer(run.architecture, layer)
    seen, notices = read_images(run, paths, count=FEW, workers=compute.workers)
    inputs = list(find_inputs(among))
    absent = [(one.path, one.error) for one in inputs if one.error is not None]
    here = [one.path for one in inputs if one.error is None]
    opened = open_run(run, compute)
    index = open_index(opened, here, layer, compute=compute, progress=progress)
    broken = [*absent, *index.broken]
    if not index.paths:
        raise UserError(none_readable(broken))
    own = opened.outputs([one.pixels for one in seen], layer).reshape(len(seen), -1)
    return Similar(
        run=run,
        layer=layer,
        queries=[
            Neighbors(query=one, found=_nearest(index, one.path, values, count))
            for one, values in zip(seen, own, strict=True)
        ],
        searched=len(index.paths),
        notices=(*notices, *say_broken(broken, len(inputs))),
    )


def _nearest(
    index: Index, query: str, values: NDArray[np.float32], count: int
) -> tuple[Neighbor, ...]:
    of_content = distances(index.features, values)
    of_path = of_content[index.rows]
    itself = Path(query).resolve()
    found: list[Neighbor] = []
    for i in np.argsort(of_path, kind="stable"):
        path = index.paths[int(i)]
        if Path(path).resolve() != itself:
            found.append(Neighbor(path, float(of_path[i])))
        if len(found) == count:
            break
    return tuple(found)


def distances(
    features: NDArray[np.float32], values: NDArray[np.float32] | Sequence[float]
) -> NDArray[np.float64]:
    """Euclidean distances of the rows from one vector; a few rows are in memory at a time.

    >>> distances(np.array([[3, 4], [0, 0]], np.float32), [0, 0]).tolist()
    [5.0, 0.0]
    """
    # --8<-- [start:paper-figure-4]
    wanted = np.asarray(values, np.float64)
    blocks = [features[start : start + _ROWS] for start in range(0, len(features), _ROWS)]
    return np.concatenate([np.sqrt(((block - wanted) ** 2).sum(axis=1)) for block in blocks])
    # --8<-- [end:paper-figure-4]
