"""Load a predictor from anything trained, and classify images in one call."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from alexnet.backends import Compute
from alexnet.config.preprocessing import Preprocessing, resize_px_for
from alexnet.prediction.predictor import Predictor, check_call, first_input
from alexnet.prediction.results import Prediction
from alexnet.pretrained.published import load_pretrained
from alexnet.progress import Progress, no_progress
from alexnet.run import RUN_FILE, Run
from alexnet.spec.architectures import Architecture
from alexnet.text import printable


def load(
    source: Run | str | os.PathLike[str],
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    compute: Compute = Compute(),
    offline: bool = False,
    progress: Progress = no_progress,
) -> Predictor:
    """Load a trained network to classify images with: a run, a weights file or published weights.

    Args:
        source: a run or its folder; a weights file that `alexnet.weights.read` reads; or the name
            of published weights (`owt`, `bvlc`, `caffenet`), downloaded to the cache.
        variant: the network of a weights file; by default the variant that its shapes fit.
        changes: fields of `Architecture` with their new values.
        classes: names of the outputs, where the source has none; by default "0", "1", ….
        preprocessing: how the training images were prepared, where the source does not state it.
        compute: backend, device, workers and batch size.
        offline: do not download.

    Raises:
        UserError: no such source, or weights that do not fit.

    Example:
        `load("runs/flowers")("garden/1.jpg").label`
    """
    if isinstance(source, Run):
        return Predictor.of_run(source, compute)
    if (Path(source) / RUN_FILE).is_file():
        return Predictor.of_run(Run.open(source), compute)
    pretrained = load_pretrained(
        os.fspath(source),
        variant=variant,
        changes=changes,
        offline=offline,
        progress=progress,
    )
    outputs = len(pretrained.weights.get("fc8.bias", ()))
    architecture = pretrained.architecture
    if outputs:
        architecture = replace(architecture, num_classes=outputs)
    known = preprocessing or pretrained.preprocessing
    if known is None:
        size = architecture.image_size
        known = Preprocessing(resize_px=resize_px_for(size), crop_px=size)
        warnings.warn(
            f"{printable(os.fspath(source))} does not state how its training images were "
            "normalized; assuming values scaled to -1 to 1 (pass preprocessing=…)",
            stacklevel=2,
        )
    return Predictor(
        architecture,
        pretrained.weights,
        known,
        classes=classes or pretrained.classes,
        compute=compute,
        mean_image=pretrained.mean_image,
    )


def predict(
    source: Predictor | Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    *,
    top: int = 5,
    crops: int = 1,
    compute: Compute = Compute(),
    stdin: BinaryIO | None = None,
) -> Iterator[Prediction]:
    """Classify images, in order; memory does not grow with their number.

    Args:
        source: a `Predictor`, a run, or anything that `alexnet.load` loads.
        paths: files, folders, patterns and `-`; see `alexnet.prediction.find_inputs`.
        top: the number of classes in each prediction, at most.
        crops: 1 for the center crop, 10 for the paper's ten crops.
        compute: backend, device, workers and batch size; not used with a `Predictor`.
        stdin: read for `-`; by default standard input.

    Returns:
        An iterator; an unreadable image is a prediction with an `error` and no classes.

    Raises:
        UserError: a wrong call, not a run, or no images at all.
        RunError: the network computes values that are not finite.

    Example:
        `[p.label for p in predict("runs/flowers", ["garden/*.jpg"])]`
    """
    check_call(top, crops)
    if not isinstance(source, (Predictor, Run)) and (Path(source) / RUN_FILE).is_file():
        source = Run.open(source)
    # A call without any image fails here, and not when the first prediction is requested.
    inputs = first_input(paths, stdin)
    predictor = source if isinstance(source, Predictor) else load(source, compute=compute)
    return predictor.stream_inputs(inputs, top, crops)
