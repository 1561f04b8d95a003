"""Whole models as `.keras` files."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexnet.errors import RunError, UserError
from alexnet.keras.arrays import load_weights
from alexnet.keras.model import build_functional
from alexnet.spec.architectures import Architecture


def save_model(
    weights: str | os.PathLike[str] | Mapping[str, Any],
    path: str | os.PathLike[str],
    architecture: Architecture,
) -> None:
    """Save the functional model of an architecture with these weights as a `.keras` file.

    Args:
        weights: Whatever `alexnet.weights.read` accepts or returns.
        path: Ends in `.keras`.
        architecture: The network of the weights.

    Raises:
        UserError: The path does not end in `.keras`, or the weights do not fit.
        RunError: The file cannot be written; an earlier file at the path is left unchanged.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise UserError(f"the name of a Keras model file must end in .keras, got {path}")
    model = build_functional(architecture)
    load_weights(model, weights)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    try:
        model.save(partial)
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
