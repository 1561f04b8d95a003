"""Evaluate a run on labeled images."""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet import data
from alexnet.backends import Compute
from alexnet.data.gray import to_gray
from alexnet.data.membership import content_ids, is_member, load_content_ids
from alexnet.data.samples import SPLITS, Dataset, Sample
from alexnet.data.unreadable import skipped_notices, unreadable_message
from alexnet.errors import UserError
from alexnet.evaluation.files import save
from alexnet.evaluation.metrics import measure
from alexnet.evaluation.results import Evaluation
from alexnet.io.output_paths import check_output_folder
from alexnet.prediction import Predictor
from alexnet.prediction.crops import check_crops, probabilities
from alexnet.progress import Progress, no_progress
from alexnet.run import TRAINED_ON, Run
from alexnet.text import join_limited, pluralize, printable

EVERYTHING = "all"

_MIN_OVERLAP = 0.5
"""A dataset is that of a run if more than this fraction of its images trained the run."""


def evaluate(
    run: Run | Predictor | str | os.PathLike[str],
    source: str | os.PathLike[str],
    *,
    split: str | None = None,
    crops: int = 1,
    compute: Compute = Compute(),
    output_dir: str | os.PathLike[str] | None = None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Evaluate a run on labeled images: metrics, confusion matrix, most confident errors.

    Classes are matched to those of the model by name.

    Args:
        run: a run, its folder, or a `Predictor` of one.
        source: what `alexnet.data.find` reads: a folder of classes, a CSV, an archive, `digits`.
        split: "train", "val", "test" or "all". When not given, "val" where the data is split or
            where the run split this very data itself (then its own split, again, in whatever form
            the images come), else "all".
        crops: 1 for the center crop, 10 for the paper's ten.
        compute: backend, device, workers and batch size; not used with a `Predictor`.
        output_dir: where the files go; when not given, a folder under RUN/evaluation.

    Raises:
        UserError: a wrong call, an output_dir that cannot be written, classes that the model does
            not know, no images in the split, or none that can be read.
        NotSavedError: the files cannot be written after all; it carries the evaluation.

    Example:
        `evaluate("runs/flowers", "flowers", crops=10).metrics.top1`
    """
    check_crops(crops)
    if output_dir is not None:
        check_output_folder(output_dir, label="evaluation")
    predictor, run = _opened(run)
    dataset = data.find(source, progress=progress)
    dataset, split, notices = _with_split(run, dataset, split, progress)
    samples = dataset.samples if split == EVERYTHING else dataset.split(split)
    of_model = _match(samples, dataset, run)
    predictor = predictor or Predictor.of_run(run, compute)
    compute = predictor.compute
    store = data.open_store(samples, run.preprocessing.resize_px, compute.workers, progress)
    if not len(store.rows):
        raise UserError(f"{printable(dataset.source)}: {unreadable_message(store.unreadable)}")
    with progress("evaluating images", len(store.rows)) as steps:
        images = (store[int(row)] for row in store.rows)
        predicted = probabilities(
            predictor.model, images, crops, batch_size=compute.batch_size, steps=steps
        )
    labels = of_model[store.labels[store.rows]]
    evaluation = Evaluation(
        run=run.folder,
        source=dataset.source,
        root=dataset.root,
        split=split,
        crops=crops,
        metrics=measure(predicted, labels, run.classes),
        paths=[samples[int(row)].path for row in store.rows],
        labels=labels,
        probabilities=predicted,
        unreadable=tuple(store.unreadable),
        notices=(
            *dataset.notices,
            *notices,
            *_training_overlap_notice(run, store, dataset, split),
            *_missing_classes_notice(labels, run),
            *skipped_notices(store.unreadable, len(samples)),
        ),
    )
    as_seen = to_gray if run.preprocessing.channels == "gray" else np.asarray
    wrong = {row: as_seen(store[int(store.rows[row])]) for row, _ in evaluation.mistakes()}
    return save(evaluation, wrong, None if output_dir is None else Path(output_dir))


def _opened(source: Run | Predictor | str | os.PathLike[str]) -> tuple[Predictor | None, Run]:
    if isinstance(source, Predictor):
        if source.run is None:
            raise UserError("evaluate needs a run, and this Predictor was not loaded from one")
        return source, source.run
    return None, source if isinstance(source, Run) else Run.open(source)


def _with_split(
    run: Run, dataset: Dataset, split: str | None, progress: Progress
) -> tuple[Dataset, str, tuple[str, ...]]:
    """Return the dataset as the run would split it, the split to evaluate, and a notice."""
    if split not in (None, EVERYTHING, *SPLITS):
        raise UserError(
            f"invalid value for split: expected {', '.join(SPLITS)} or all, got {split!r}"
        )
    if run.data.split_by == "hash" and split != EVERYTHING and _is_own(run, dataset, progress):
        dataset = data.with_split(dataset, run.recipe.val_fraction, progress)
    counts = {name: len(dataset.split(name)) for name in SPLITS if dataset.split(name)}
    chosen = split or next(
        (name for name in ("val", "test", "train") if name in counts), EVERYTHING
    )
    if chosen != EVERYTHING and chosen not in counts:
        raise UserError(_no_such_split(dataset, chosen, counts))
    source = printable(dataset.source)
    count = len(dataset.samples) if chosen == EVERYTHING else counts[chosen]
    if chosen == EVERYTHING:
        notice = f"evaluating all {pluralize(count, 'image')} of {source}"
    else:
        how = ", held out by training by content hash" if dataset.split_by == "hash" else ""
        notice = f"evaluating {chosen} of {source}, {pluralize(count, 'image')}{how}"
    return dataset, chosen, (notice,)


def _is_own(run: Run, dataset: Dataset, progress: Progress) -> bool:
    """Return whether the run was trained on this dataset, perhaps in another form or place."""
    if _is_of_root(run, dataset):
        return True
    known = load_content_ids(run.folder / TRAINED_ON)
    if known is None or dataset.split_by != "none":
        return False
    digests = data.fingerprints([sample.path for sample in dataset.samples], progress)
    return bool(is_member(content_ids(digests), known).mean() > _MIN_OVERLAP)


def _is_of_root(run: Run, dataset: Dataset) -> bool:
    return bool(run.data.root) and Path(run.data.root).resolve() == dataset.root.resolve()


def _training_overlap_notice(
    run: Run, store: data.Store, dataset: Dataset, split: str
) -> tuple[str, ...]:
    """Warn of images that the network was, or may have been, trained on."""
    bias = "the metrics are too optimistic"
    known = load_content_ids(run.folder / TRAINED_ON)
    if known is None and not _is_of_root(run, dataset):
        return (
            f"the run has no record of its training images ({TRAINED_ON} is missing), so some of "
            "these may be among them and the metrics too optimistic: evaluate on new images, or "
            "train again",
        )
    if known is None:
        on_some = split in (EVERYTHING, "train")
        return (f"the network was trained on some of these images: {bias}",) if on_some else ()
    count, of = int(is_member(store.content_ids[store.rows], known).sum()), len(store.rows)
    which = "all" if count == of else f"{count:,}"
    return (f"the network was trained on {which} of these images: {bias}",) if count else ()


def _no_such_split(dataset: Dataset, split: str, counts: Mapping[str, int]) -> str:
    source = printable(dataset.source)
    if not counts:
        return (
            f"{source} is not split, so it has no {split!r} (a split that training made by content "
            "hash applies to that dataset only); without --split all of it is evaluated"
        )
    available = ", ".join(f"{name} ({pluralize(count, 'image')})" for name, count in counts.items())
    return f"{source} has no images in {split!r}; it has {available}"


def _match(samples: tuple[Sample, ...], dataset: Dataset, run: Run) -> NDArray[np.int64]:
    """Return the model's class index for each label of the dataset, (classes,).

    Raises:
        UserError: images of classes that the model does not have.
    """
    # The same name has two Unicode forms, and file systems convert one into the other.
    numbers = {unicodedata.normalize("NFC", name): i for i, name in enumerate(run.classes)}
    numbers |= {name: i for i, name in enumerate(run.classes)}
    used = {sample.label for sample in samples}
    of_model = np.full(len(dataset.classes), -1, np.int64)
    unknown = []
    for label, name in enumerate(dataset.classes):
        number = numbers.get(name, numbers.get(unicodedata.normalize("NFC", name)))
        if number is not None:
            of_model[label] = number
        elif label in used:
            unknown.append(name)
    if unknown:
        raise UserError(
            f"{printable(dataset.source)}: the model in {printable(run.folder)} does not have "
            f"{'class' if len(unknown) == 1 else 'classes'} {join_limited(unknown, 10)}; "
            f"it has {join_limited(list(run.classes), 10)}"
        )
    return of_model


def _missing_classes_notice(labels: NDArray[np.int64], run: Run) -> tuple[str, ...]:
    here = set(labels.tolist())
    names = [name for i, name in enumerate(run.classes) if i not in here]
    if not names:
        return ()
    of_all = f"{len(names)} of the model's {pluralize(len(run.classes), 'class', 'classes')}"
    verb = "has" if len(names) == 1 else "have"
    return (
        f"{of_all} {verb} no images here; their recall is undefined: {join_limited(names, 10)}",
    )
