"""Images in, predictions out, a batch at a time."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from alexnet import backends, loading
from alexnet.errors import UserError
from alexnet.evaluation.crops import BATCH_SIZE, batch_probabilities, check_crops
from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.reading import Read, read_batches
from alexnet.run import Run


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one image, the best first; or why it could not be read."""

    path: str
    """As given or found."""
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    error: str | None = None


def predict(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    *,
    top: int = 5,
    crops: int = 1,
    backend: str | None = None,
    device: str = "auto",
    workers: int | None = None,
    batch_size: int = BATCH_SIZE,
    stdin: BinaryIO | None = None,
) -> Iterator[Prediction]:
    """Predictions of images, in order; memory does not grow with their number.

    Args:
        run: a run, or its folder.
        paths: files, folders, patterns and `-`; see `alexnet.prediction.find_inputs`.
        top: how many classes each prediction has, at most.
        crops: 1 for the center crop, 10 for the paper's ten.
        backend: torch, tensorflow or jax; when not given, the one that trained the run.
        workers: threads that decode, ahead of the network; all cores when not given.
        stdin: the list for `-`; standard input when not given.

    Returns:
        An iterator; an image that cannot be read is a prediction with `error` and no classes.

    Raises:
        UserError: a wrong call, not a run, or no images at all.
        RunError: the network computes values that are not finite.

    Example:
        `[p.classes[0] for p in predict("runs/flowers", ["garden/*.jpg"])]`
    """
    if top < 1:
        raise UserError(f"top has to be at least 1, got {top}")
    if batch_size < 1:
        raise UserError(f"the batch size has to be at least 1, got {batch_size}")
    check_crops(crops)
    run = run if isinstance(run, Run) else Run.open(run)
    inputs = find_inputs(paths, stdin)
    # A call without any image fails here, and not when the first prediction is asked for.
    inputs = chain([next(inputs)], inputs)
    model = loading.open_inference_model(run, backend=backend, device=device, workers=workers)
    return _stream(run, model, inputs, top, crops, workers, batch_size)


def _stream(
    run: Run,
    model: backends.InferenceModel,
    inputs: Iterator[Input],
    top: int,
    crops: int,
    workers: int | None,
    batch_size: int,
) -> Iterator[Prediction]:
    for batch in read_batches(inputs, run.preprocessing.resize_px, workers, batch_size):
        yield from _predictions(run, model, batch, top, crops)


def _predictions(
    run: Run, model: backends.InferenceModel, batch: list[Read], top: int, crops: int
) -> Iterator[Prediction]:
    readable = [found for _, found in batch if not isinstance(found, str)]
    rows = iter(batch_probabilities(model, readable, crops) if readable else ())
    for one, found in batch:
        if isinstance(found, str):
            yield Prediction(one.path, (), (), found)
            continue
        row: NDArray[np.float64] = next(rows)
        best = np.argsort(-row, kind="stable")[:top]
        names = tuple(run.classes[i] for i in best)
        yield Prediction(one.path, names, tuple(row[best].tolist()))
