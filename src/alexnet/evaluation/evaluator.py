"""Evaluate a run on images whose classes are known."""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet import data
from alexnet.backends import Compute
from alexnet.data.augmentation import LUMA
from alexnet.data.membership import are_known, contents, read_contents
from alexnet.data.samples import SPLITS, Dataset, Sample
from alexnet.errors import UserError
from alexnet.evaluation.files import require_writable, save
from alexnet.evaluation.metrics import measure
from alexnet.evaluation.results import Evaluation
from alexnet.prediction import Predictor
from alexnet.prediction.crops import check_crops, probabilities
from alexnet.progress import Progress, no_progress
from alexnet.run import TRAINED_ON, Run
from alexnet.text import counted, printable, some

EVERYTHING = "all"

_MOSTLY = 0.5
"""Above this share of images that a run was trained on, data is that of the run."""


def evaluate(
    run: Run | Predictor | str | os.PathLike[str],
    source: str | os.PathLike[str],
    *,
    split: str | None = None,
    crops: int = 1,
    compute: Compute = Compute(),  # noqa: B008
    output_dir: str | os.PathLike[str] | None = None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Figures, a confusion matrix and the worst mistakes of a run on images.

    The classes of the images are matched to those of the model by name.

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
        require_writable(Path(output_dir))
    predictor, run = _opened(run)
    found = data.find(source, progress=progress)
    found, split, notices = _with_split(run, found, split, progress)
    samples = found.samples if split == EVERYTHING else found.split(split)
    of_model = _match(samples, found, run)
    predictor = predictor or Predictor.of_run(run, compute)
    compute = predictor.compute
    store = data.open_store(samples, run.preprocessing.resize_px, compute.workers, progress)
    if not len(store.rows):
        raise UserError(f"{printable(found.source)}: {_none_readable(store.broken)}")
    with progress("evaluating images", len(store.rows)) as steps:
        images = (store[int(row)] for row in store.rows)
        found_p = probabilities(
            predictor.model, images, crops, batch_size=compute.batch_size, steps=steps
        )
    labels = of_model[store.labels[store.rows]]
    evaluation = Evaluation(
        run=run.folder,
        source=found.source,
        root=found.root,
        split=split,
        crops=crops,
        metrics=measure(found_p, labels, run.classes),
        paths=[samples[int(row)].path for row in store.rows],
        labels=labels,
        probabilities=found_p,
        broken=tuple((sample.path, reason) for sample, reason in store.broken),
        notices=(
            *found.notices,
            *notices,
            *_say_trained_on(run, store, found, split),
            *_lacking(labels, run),
            *_say_broken(store.broken, len(samples)),
        ),
    )
    seen = _gray if run.preprocessing.channels == "gray" else np.asarray
    wrong = {row: seen(store[int(store.rows[row])]) for row, _ in evaluation.mistakes()}
    return save(evaluation, wrong, None if output_dir is None else Path(output_dir))


def _opened(source: Run | Predictor | str | os.PathLike[str]) -> tuple[Predictor | None, Run]:
    if isinstance(source, Predictor):
        if source.run is None:
            raise UserError("evaluate needs a run, and this Predictor was not loaded from one")
        return source, source.run
    return None, source if isinstance(source, Run) else Run.open(source)


def _gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image (S, S, 3) as a network for gray images sees it, three channels alike."""
    gray = np.rint(image.astype(np.float32) @ LUMA).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def _with_split(
    run: Run, found: Dataset, split: str | None, progress: Progress
) -> tuple[Dataset, str, tuple[str, ...]]:
    """The data as the run would split it, the split to evaluate, and what to say of it."""
    if split not in (None, EVERYTHING, *SPLITS):
        raise UserError(f"split has to be one of {', '.join(SPLITS)} or all, got {split!r}")
    if run.data.split_by == "hash" and split != EVERYTHING and _is_own(run, found, progress):
        found = data.with_split(found, run.recipe.val_fraction, progress)
    there = {name: len(found.split(name)) for name in SPLITS if found.split(name)}
    chosen = split or next((name for name in ("val", "test", "train") if name in there), EVERYTHING)
    if chosen != EVERYTHING and chosen not in there:
        raise UserError(_no_such_split(found, chosen, there))
    source = printable(found.source)
    count = len(found.samples) if chosen == EVERYTHING else there[chosen]
    if chosen == EVERYTHING:
        said = f"evaluated: all {counted(count, 'image')} of {source}"
    else:
        how = (
            ", which training split off by a hash of the content"
            if found.split_by == "hash"
            else ""
        )
        said = f"evaluated: {chosen} of {source}, {counted(count, 'image')}{how}"
    return found, chosen, (said,)


def _is_own(run: Run, found: Dataset, progress: Progress) -> bool:
    """Whether this is the data that the run was trained on, perhaps in another form or place."""
    if _is_of_root(run, found):
        return True
    known = read_contents(run.folder / TRAINED_ON)
    if known is None or found.split_by != "none":
        return False
    digests = data.fingerprints([sample.path for sample in found.samples], progress)
    return bool(are_known(contents(digests), known).mean() > _MOSTLY)


def _is_of_root(run: Run, found: Dataset) -> bool:
    return bool(run.data.root) and Path(run.data.root).resolve() == found.root.resolve()


def _say_trained_on(run: Run, store: data.Store, found: Dataset, split: str) -> tuple[str, ...]:
    """What to say of images that the network was trained on, or may have been."""
    better = "so it looks better than it is"
    known = read_contents(run.folder / TRAINED_ON)
    if known is None and not _is_of_root(run, found):
        return (
            f"the run does not keep which images it was trained on ({TRAINED_ON} is not there), "
            "so some of these may be among them and it may look better than it is: judge it on "
            "images that it has never seen, or train anew",
        )
    if known is None:
        on_some = split in (EVERYTHING, "train")
        return (f"the network was trained on some of them, {better}",) if on_some else ()
    count, of = int(are_known(store.contents[store.rows], known).sum()), len(store.rows)
    which = "all" if count == of else f"{count:,}"
    return (f"the network was trained on {which} of them, {better}",) if count else ()


def _no_such_split(found: Dataset, split: str, there: Mapping[str, int]) -> str:
    source = printable(found.source)
    if not there:
        return (
            f"{source} is not split, so it has no {split!r} (where training splits data by a hash "
            "of the content, that split holds for that very folder or file); without --split all "
            "of it is evaluated"
        )
    have = ", ".join(f"{name} ({counted(count, 'image')})" for name, count in there.items())
    return f"{source} has no images in {split!r}; it has {have}"


def _match(samples: tuple[Sample, ...], found: Dataset, run: Run) -> NDArray[np.int64]:
    """For each label of the data the number of the model's class of that name, (classes,).

    Raises:
        UserError: images of classes that the model does not know.
    """
    # One name can be written in two ways that look the same, and file systems change one into
    # the other.
    numbers = {unicodedata.normalize("NFC", name): i for i, name in enumerate(run.classes)}
    numbers |= {name: i for i, name in enumerate(run.classes)}
    used = {sample.label for sample in samples}
    of_model = np.full(len(found.classes), -1, np.int64)
    unknown = []
    for label, name in enumerate(found.classes):
        number = numbers.get(name, numbers.get(unicodedata.normalize("NFC", name)))
        if number is not None:
            of_model[label] = number
        elif label in used:
            unknown.append(name)
    if unknown:
        raise UserError(
            f"{printable(found.source)}: the model in {printable(run.folder)} does not know "
            f"{'class' if len(unknown) == 1 else 'classes'} {some(unknown, 10)}; "
            f"it knows {some(list(run.classes), 10)}"
        )
    return of_model


def _lacking(labels: NDArray[np.int64], run: Run) -> tuple[str, ...]:
    here = set(labels.tolist())
    names = [name for i, name in enumerate(run.classes) if i not in here]
    if not names:
        return ()
    of_all = f"{len(names)} of the model's {counted(len(run.classes), 'class', 'classes')}"
    verb = "has" if len(names) == 1 else "have"
    return (f"{of_all} {verb} no images here, so their recall is unknown: {some(names, 10)}",)


Broken = list[tuple[Sample, str]]


def _say_broken(broken: Broken, of: int) -> tuple[str, ...]:
    if not broken:
        return ()
    named = [f"{printable(sample.path)} ({reason})" for sample, reason in broken]
    return (f"{len(broken)} of {counted(of, 'image')} left out, unreadable: {some(named)}",)


def _none_readable(broken: Broken) -> str:
    sample, reason = broken[0]
    others = f"; {len(broken) - 1:,} more cannot be read either" if len(broken) > 1 else ""
    return f"no image can be read: {printable(sample.path)}: {reason}{others}"
