"""Find similar images by their features (right of the paper's figure 4)."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.data.unreadable import skipped_notices, unreadable_message
from alexnet.errors import UserError
from alexnet.inspect.feature_cache import FeatureIndex, open_feature_index
from alexnet.inspect.input_images import (
    InputImage,
    read_images,
)
from alexnet.inspect.opened_run import as_run, check_layer, open_run
from alexnet.prediction.inputs import find_inputs
from alexnet.progress import Progress, no_progress
from alexnet.run import Run

LAYER = "relu7"
"""The output of the last hidden layer, by which the paper compares images (section 6.1)."""

COUNT = 6
"""Neighbors per query, as in figure 4."""

_BLOCK_ROWS = 512
"""Rows of features in memory at a time."""


@dataclass(frozen=True)
class Neighbor:
    """An image and its distance to the query."""

    path: str
    distance: float
    """Euclidean distance of the features."""


@dataclass(frozen=True, kw_only=True)
class QueryNeighbors:
    """A query image and its nearest neighbors, in ascending order of distance."""

    query: InputImage
    neighbors: tuple[Neighbor, ...]


@dataclass(frozen=True, kw_only=True)
class SimilarImages:
    """The result of `find_similar_images`."""

    run: Run
    layer: str
    queries: list[QueryNeighbors]
    num_searched: int
    notices: tuple[str, ...]


def find_similar_images(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    among: Iterable[str | os.PathLike[str]],
    *,
    count: int = COUNT,
    layer: str = LAYER,
    compute: Compute = Compute(),
    progress: Progress = no_progress,
) -> SimilarImages:
    """Find the nearest neighbors of images by the Euclidean distance of a layer's output.

    Features of the searched images are cached. The file of a query is excluded from its own
    neighbors; a duplicate under another name is included, at distance 0.

    Args:
        paths: Query images: files, folders and patterns. If there are more than 24, 24 evenly
            spaced ones are used.
        among: Files, folders and patterns to search.
        count: Number of neighbors per query.

    Raises:
        UserError: not a run, a run without weights, an unknown layer, or no readable images among
            the queries or the searched images.
        RunError: the network computes non-finite values, or the disk is full.

    Example:
        `find_similar_images("runs/flowers", ["rose.jpg"], ["flowers/train"]).queries[0].neighbors`
    """
    run = as_run(run)
    if count < 1:
        raise UserError(f"invalid value for count: expected at least 1, got {count}")
    check_layer(run.architecture, layer)
    queries, notices = read_images(run, paths, workers=compute.workers)
    inputs = list(find_inputs(among))
    missing = [(source.path, source.error) for source in inputs if source.error is not None]
    existing = [source.path for source in inputs if source.error is None]
    opened = open_run(run, compute)
    index = open_feature_index(opened, existing, layer, compute=compute, progress=progress)
    unreadable = [*missing, *index.unreadable]
    if not index.paths:
        raise UserError(unreadable_message(unreadable))
    features = opened.activations([query.pixels for query in queries], layer)
    return SimilarImages(
        run=run,
        layer=layer,
        queries=[
            QueryNeighbors(query=query, neighbors=_nearest(index, query.path, vector, count))
            for query, vector in zip(queries, features.reshape(len(queries), -1), strict=True)
        ],
        num_searched=len(index.paths),
        notices=(*notices, *skipped_notices(unreadable, len(inputs))),
    )


def _nearest(
    index: FeatureIndex, query: str, vector: NDArray[np.float32], count: int
) -> tuple[Neighbor, ...]:
    by_path = distances(index.features, vector)[index.rows]
    query_path = Path(query).resolve()
    neighbors: list[Neighbor] = []
    for i in np.argsort(by_path, kind="stable"):
        path = index.paths[int(i)]
        if Path(path).resolve() != query_path:
            neighbors.append(Neighbor(path, float(by_path[i])))
        if len(neighbors) == count:
            break
    return tuple(neighbors)


def distances(
    features: NDArray[np.float32], vector: NDArray[np.float32] | Sequence[float]
) -> NDArray[np.float64]:
    """Return the Euclidean distance of each row to a vector, reading the rows in blocks.

    >>> distances(np.array([[3, 4], [0, 0]], np.float32), [0, 0]).tolist()
    [5.0, 0.0]
    """
    # --8<-- [start:paper-figure-4]
    query = np.asarray(vector, np.float64)
    starts = range(0, len(features), _BLOCK_ROWS)
    blocks = [features[start : start + _BLOCK_ROWS] for start in starts]
    return np.concatenate([np.sqrt(((block - query) ** 2).sum(axis=1)) for block in blocks])
    # --8<-- [end:paper-figure-4]
