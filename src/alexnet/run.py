"""A run: the folder of one training, with its settings, weights and metrics."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet import weights
from alexnet.backends.compute import Compute
from alexnet.backends.names import TORCH
from alexnet.config.hyperparameters import Recipe
from alexnet.config.preprocessing import ColorStatistics, Preprocessing
from alexnet.errors import RunError, UserError
from alexnet.io.atomic import write_json
from alexnet.settings import Settings, check_names, fields
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS
from alexnet.text import pluralize

RUN_FILE = "run.json"
CLASSES = "classes.json"
BEST = "best.safetensors"
LAST = "last.safetensors"
METRICS = "metrics.csv"
TIMES = "times.csv"
MEAN_IMAGE = "mean_image.npy"
TRAINED_ON = "trained_on.npy"
"""The sorted numbers of the training images' contents, uint64; see `alexnet.data.seen`."""

_FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """Where the images of a run came from."""

    source: str = ""
    """The dataset as it was passed: an absolute path, or `digits`."""
    root: str = ""
    """The folder that the images were read from."""
    split_by: str = ""
    """"folders", "table", or "hash" where the run itself held out the validation set."""
    key: str = ""
    """Key of the decoded images in the cache: it changes when the dataset does."""
    train: int = 0
    """Readable training images."""
    val: int = 0
    """Readable validation images."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The machine and the library versions that a run was trained with."""

    threads: int | None = None
    """CPU threads of the backend: sums over another number of threads round differently."""
    platform: str = ""
    processor: str = ""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    earlier_backends: tuple[str, ...] = ()
    """Backends that trained the run before it was resumed in another one."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Environment":
        """Restore what `dataclasses.asdict` returned and JSON turned into lists."""
        return cls(**{**values, "earlier_backends": tuple(values.get("earlier_backends", ()))})


@dataclass(frozen=True, kw_only=True)
class PretrainedRecord:
    """The pretrained weights that a run started from."""

    source: str
    """Their name, origin and size, for display."""
    loaded: tuple[str, ...]
    """Canonical names of the arrays that were loaded; the others were initialized."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loaded", tuple(self.loaded))


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run's folder, read; the weights are loaded on demand by `weights()`."""

    folder: Path
    architecture: Architecture
    recipe: Recipe
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    data: DataRecord = DataRecord()
    compute: Compute = Compute(backend=TORCH)
    environment: Environment = Environment()
    colors: ColorStatistics | None = None
    """Color statistics of the training images; None for a run that was not trained here."""
    pretrained: PretrainedRecord | None = None
    """The weights that training started from; None if it started from scratch."""
    tensorboard: bool = False
    """Whether training also writes TensorBoard events."""

    @property
    def backend(self) -> str:
        """The backend that trained the run: torch, tensorflow or jax."""
        return self.compute.backend or TORCH

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Run":
        """Read a run's folder.

        Raises:
            UserError: no such folder, not a run, or one with a damaged file.
        """
        folder = Path(folder)
        if not folder.is_dir():
            problem = "not a folder" if folder.exists() else "no such run"
            raise UserError(f"{problem}: {folder}; `alexnet train` prints the folder of each run")
        if not (folder / RUN_FILE).is_file() and (folder / "config.json").is_file():
            raise UserError(
                f"{folder} was written by alexnet 0.1, which this version does not read; its "
                f"weights still load: {folder / BEST}"
            )
        if not (folder / RUN_FILE).is_file():
            raise UserError(f"{folder} is not a run: it has no {RUN_FILE}")
        config, classes = _read_json(folder / RUN_FILE), _read_json(folder / CLASSES)
        try:
            if config["format"] != _FORMAT:
                raise UserError(
                    f"its format is {config['format']}, and this version reads {_FORMAT}; its "
                    f"weights still load: {folder / BEST}"
                )
            run = cls(
                folder=folder,
                architecture=_settings(Architecture, config["architecture"]),
                recipe=_settings(Recipe, config["recipe"]),
                preprocessing=_settings(Preprocessing, config["preprocessing"]),
                classes=tuple(classes),
                data=DataRecord(**config["data"]),
                compute=_settings(Compute, config["compute"]),
                environment=Environment.from_dict(config["environment"]),
                colors=_optional(ColorStatistics, config["colors"]),
                pretrained=_optional(PretrainedRecord, config["pretrained"]),
                tensorboard=bool(config["tensorboard"]),
            )
            check_names([run.architecture.variant], (*VARIANTS, "custom"), "variant")
            if run.preprocessing.crop_px != run.architecture.image_size:
                raise UserError(
                    f"crop_px is {run.preprocessing.crop_px} and image_size "
                    f"{run.architecture.image_size}; they must be equal"
                )
        except KeyError as error:
            raise UserError(f"{folder / RUN_FILE} is not valid: missing {error}") from error
        except (TypeError, UserError) as error:
            raise UserError(f"{folder / RUN_FILE} is not valid: {error}") from error
        _check_classes(folder / CLASSES, classes, run.architecture.num_classes)
        return run

    def save(self) -> None:
        """Write the settings and the class names into the folder, creating it if necessary.

        Raises:
            RunError: they cannot be written.
        """
        from alexnet import __version__

        config = {
            "format": _FORMAT,
            "alexnet": __version__,
            "architecture": self.architecture.to_dict(),
            "recipe": self.recipe.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
            "data": asdict(self.data),
            "compute": self.compute.to_dict(),
            "environment": asdict(self.environment),
            "colors": self.colors and asdict(self.colors),
            "pretrained": self.pretrained and asdict(self.pretrained),
            "tensorboard": self.tensorboard,
        }
        self.make_folder()
        write_json(self.folder / CLASSES, list(self.classes))
        write_json(self.folder / RUN_FILE, config)

    def make_folder(self) -> None:
        """Create the folder if it does not exist.

        Raises:
            RunError: it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot create {self.folder}: {error.strerror}") from error

    def weights(self, file: str | None = None) -> dict[str, np.ndarray]:
        """Load the weights of the best epoch (with `file=LAST`, of the last) by canonical name.

        Raises:
            UserError: there are none yet, the file is truncated, or it does not fit.
        """
        path = self.folder / (file or BEST)
        if not path.is_file():
            ended = (self.folder / METRICS).exists()
            why = "it was removed" if ended else "no epoch has finished yet"
            raise UserError(f"{self.folder} has no {path.name}: {why}")
        arrays = weights.read(path)
        try:
            remedy = "restore the file that training wrote"
            weights.check(arrays, self.architecture, remedy=remedy)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        return arrays

    def mean_image(self) -> NDArray[np.float32] | None:
        """Load the mean image, (resize_px, resize_px, 3), if the preprocessing subtracts one."""
        if self.preprocessing.mean_image is None:
            return None
        path = self.folder / self.preprocessing.mean_image
        try:
            mean: NDArray[np.float32] = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        return mean


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8", "surrogateescape"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from error


def _check_classes(path: Path, classes: Any, expected: int) -> None:
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UserError(f"{path} must be a list of names")
    if len(set(classes)) != len(classes):
        raise UserError(f"{path} lists a class twice")
    if len(classes) != expected:
        listed = pluralize(len(classes), "class", "classes")
        raise UserError(f"{path} lists {listed}, but the network has {expected} outputs")


def _settings(cls: type[Settings], values: dict[str, Any]) -> Any:
    check_names(values, [known.name for known in fields(cls)], f"{cls.__name__.lower()} field")
    return cls(**values)


def _optional(cls: Any, values: dict[str, Any] | None) -> Any:
    return None if values is None else cls(**values)
