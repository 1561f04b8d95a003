"""A trained network, loaded once, that classifies paths, images, arrays and bytes."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alexnet import loading
from alexnet.backends import Compute, InferenceModel
from alexnet.config.preprocessing import Preprocessing
from alexnet.data.decoding import ImageError, decode, square_pixels
from alexnet.errors import UserError
from alexnet.prediction.crops import batch_probabilities, batches, check_crops
from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.reading import read_batches
from alexnet.prediction.results import Prediction
from alexnet.run import Run
from alexnet.spec.architectures import Architecture

ImageLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | Image.Image | NDArray[np.uint8]"
)
"""A path, the bytes of an image file, a PIL image, or an array (H, W, 3) or (H, W), uint8, RGB."""


class Predictor:
    """A network with its weights, preprocessing and class names, ready to classify images.

    Made by `alexnet.load`; it is loaded once and can be used any number of times.

    Example:
        >>> from alexnet import architecture, weights
        >>> from alexnet.backends import Compute
        >>> net = architecture("half", num_classes=2, image_size=64, widths=8, hidden=8)
        >>> predictor = Predictor(
        ...     net,
        ...     weights.initial(net, seed=0),
        ...     Preprocessing(resize_px=73, crop_px=64),
        ...     classes=("cat", "dog"),
        ...     compute=Compute(device="cpu"),
        ... )
        >>> predictor
        Predictor(half, 2 classes, 64x64 pixels, torch on cpu)
        >>> prediction = predictor(np.zeros((80, 100, 3), np.uint8))
        >>> prediction.label in ("cat", "dog")
        True
        >>> predictor.probabilities([np.zeros((80, 100, 3), np.uint8)]).shape
        (1, 2)
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, np.ndarray],
        preprocessing: Preprocessing,
        *,
        classes: Sequence[str] | None = None,
        compute: Compute = Compute(),
        mean_image: NDArray[np.float32] | None = None,
        run: Run | None = None,
    ) -> None:
        names = tuple(classes or map(str, range(architecture.num_classes)))
        if len(names) != architecture.num_classes:
            raise UserError(
                f"expected {architecture.num_classes} class names, got {len(names)}: the network "
                f"has {architecture.num_classes} outputs"
            )
        self.architecture, self.preprocessing, self.classes = architecture, preprocessing, names
        self.compute = compute.with_backend()
        self.run = run
        """The run that it was loaded from, if any."""
        self.model: InferenceModel = loading.inference_model(
            architecture, weights, preprocessing, self.compute, mean_image=mean_image
        )

    @classmethod
    def of_run(cls, run: Run, compute: Compute = Compute()) -> "Predictor":
        """Load the best weights of a run; by default in the backend that trained it."""
        return cls(
            run.architecture,
            run.weights(),
            run.preprocessing,
            classes=run.classes,
            compute=compute.with_backend(run.backend),
            mean_image=run.mean_image(),
            run=run,
        )

    def __call__(
        self, images: "ImageLike | Iterable[ImageLike]", *, top: int = 5, crops: int = 1
    ) -> "Prediction | list[Prediction]":
        """Classify one image, or several: one `Prediction`, or a list of them in order.

        Args:
            images: an image (a path, bytes, a PIL image, an array (H, W, 3) or (H, W) of uint8,
                RGB), an iterable of them, or a batch (N, H, W, 3).
            top: the number of classes in each prediction, at most.
            crops: 1 for the center crop, 10 for the paper's ten crops, whose probabilities are
                averaged.

        Raises:
            UserError: a wrong argument. An unreadable file is a prediction with an `error`.
        """
        if _is_single(images):
            return next(self._predict_images([cast("ImageLike", images)], top, crops))
        return list(self._predict_images(cast("Iterable[ImageLike]", images), top, crops))

    def probabilities(
        self, images: "Iterable[ImageLike]", *, crops: int = 1
    ) -> NDArray[np.float64]:
        """Return the probability of each class for each image, (N, num_classes).

        Raises:
            UserError: an image that cannot be read.
        """
        pixels = [self._pixels(image) for image in images]
        check_crops(crops)
        rows = [
            batch_probabilities(self.model, batch, crops)
            for batch in batches(pixels, self.compute.batch_size)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.classes)))

    def stream(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        top: int = 5,
        crops: int = 1,
        stdin: BinaryIO | None = None,
    ) -> Iterator[Prediction]:
        """Classify the images that paths, folders, patterns and `-` name, as `predict` does."""
        check_call(top, crops)
        return self.stream_inputs(first_input(paths, stdin), top, crops)

    def stream_inputs(self, inputs: Iterator[Input], top: int, crops: int) -> Iterator[Prediction]:
        resize_px = self.preprocessing.resize_px
        compute = self.compute
        for batch in read_batches(inputs, resize_px, compute.workers, compute.batch_size):
            yield from self._predictions([(one.path, pixels) for one, pixels in batch], top, crops)

    def _predict_images(
        self, images: "Iterable[ImageLike]", top: int, crops: int
    ) -> Iterator[Prediction]:
        check_call(top, crops)
        for start, batch in enumerate(batches(images, self.compute.batch_size)):
            pairs: list[tuple[str, NDArray[np.uint8] | str]] = []
            for number, image in enumerate(batch, start * self.compute.batch_size):
                name = _name_of(image, number)
                try:
                    pairs.append((name, self._pixels(image)))
                except ImageError as error:
                    pairs.append((name, str(error)))
            yield from self._predictions(pairs, top, crops)

    def _predictions(
        self, batch: "Sequence[tuple[str, NDArray[np.uint8] | str]]", top: int, crops: int
    ) -> Iterator[Prediction]:
        readable = [pixels for _, pixels in batch if not isinstance(pixels, str)]
        rows = iter(batch_probabilities(self.model, readable, crops) if readable else ())
        for name, pixels in batch:
            if isinstance(pixels, str):
                yield Prediction(name, (), (), pixels)
                continue
            row: NDArray[np.float64] = next(rows)
            best = np.argsort(-row, kind="stable")[:top]
            names = tuple(self.classes[i] for i in best)
            yield Prediction(name, names, tuple(row[best].tolist()))

    def _pixels(self, image: "ImageLike") -> NDArray[np.uint8]:
        size_px = self.preprocessing.resize_px
        if isinstance(image, Image.Image):
            return square_pixels(image, size_px)
        if isinstance(image, np.ndarray):
            if image.dtype != np.uint8 or image.ndim not in (2, 3):
                raise UserError(
                    f"invalid image array: expected uint8 of shape (H, W, 3) or (H, W), got "
                    f"{image.dtype} of shape {image.shape}"
                )
            gray = image.ndim == 3 and image.shape[2] == 1
            return square_pixels(Image.fromarray(image[..., 0] if gray else image), size_px)
        return decode(image, size_px)

    def __repr__(self) -> str:
        height, width = self.architecture.input_shape[1:]
        return (
            f"Predictor({self.architecture.variant}, {len(self.classes)} classes, "
            f"{height}x{width} pixels, {self.compute.backend} on {self.compute.device})"
        )


def check_call(top: int, crops: int) -> None:
    """Raise UserError for an invalid number of classes or crops."""
    if top < 1:
        raise UserError(f"invalid value for top: expected at least 1, got {top}")
    check_crops(crops)


def first_input(paths: Iterable[str | os.PathLike[str]], stdin: BinaryIO | None) -> Iterator[Input]:
    """Return the inputs, with at least one found; raise UserError if there is none."""
    inputs = find_inputs(paths, stdin)
    return chain([next(inputs)], inputs)


def _is_single(images: Any) -> bool:
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    return isinstance(images, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image))


def _name_of(image: Any, number: int) -> str:
    is_path = isinstance(image, (str, os.PathLike))
    return os.fsdecode(image) if is_path else f"image {number}"
