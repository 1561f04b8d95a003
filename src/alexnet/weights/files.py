"""Read and write weights files; the content determines the format of a file that is read."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alexnet.errors import UserError
from alexnet.io.atomic import write_bytes
from alexnet.spec.architectures import Architecture
from alexnet.weights import caffe, hdf5, keras_reader, keras_writer, pytorch
from alexnet.weights.compatibility import check
from alexnet.weights.names import Weights, canonical, indexed, sorted_by_layer

_LAYOUTS: dict[str, Callable[[Weights], Mapping[str, np.ndarray]]] = {
    "canonical": dict,
    "indexed": indexed,
}
_ZIP_MAGIC, _PICKLE_MAGIC = b"PK\x03\x04", b"\x80"
_READ_ONLY = (".pth", ".pt", ".tar", ".caffemodel", ".h5", ".hdf5")
"""Suffixes of formats that can be read but not written."""
_READABLE = ".safetensors, .pth, .pt, .weights.h5, .h5, .keras, .caffemodel"


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return arrays by canonical name, float32, from a state dict or a file.

    No code in a file is executed, and a file is read completely or not at all.

    Args:
        source: A state dict (tensors or arrays) or a file:

            - `.safetensors`, or PyTorch's `.pth` (read with `weights_only=True`), in our layout
              (`conv1.weight`) or the indexed layout of the seeds and torchvision
              (`features.0.weight`);
            - Keras' `.weights.h5`, `.keras` and older `.h5`, by the names of the layers where
              these are ours and otherwise by their order (the inputs of fc6 in the order of
              Keras' `Flatten`, channels last);
            - Caffe's `.caffemodel`; its conv1 expects BGR images.

    Raises:
        UserError: The file does not exist, is not a weights file, is corrupt, or contains
            anything but arrays.

    Example:
        >>> read({"features.0.bias": np.zeros(96)})["conv1.bias"].shape
        (96,)
    """
    if isinstance(source, Mapping):
        return _arrays(canonical(source, "state dict"), "state dict")
    path = Path(source)
    if (path / "best.safetensors").is_file():
        raise UserError(f"{path} is a run folder; use {path / 'best.safetensors'}")
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a weights file")
    if not path.is_file():
        raise UserError(f"no such weights file: {path}")
    return _arrays(canonical(_reader(path)(path), str(path)), str(path))


def write(
    weights: Weights,
    path: str | os.PathLike[str],
    *,
    layout: str = "canonical",
    architecture: Architecture | None = None,
) -> None:
    """Write arrays by canonical name to a file, atomically.

    Args:
        weights: Arrays by canonical name.
        path: A name that ends in `.weights.h5` for Keras' `load_weights`; any other for
            safetensors. `alexnet.keras.save_model` writes a whole model, `.keras`.
        layout: `canonical`, or `indexed` for the names of the seeds and torchvision.
        architecture: Checked against the weights, if set.

    Raises:
        UserError: An unknown layout, or one without a name for one of the arrays; weights that
            do not fit the architecture; a format that can only be read.
        RunError: The file cannot be written; an earlier file at the path is left unchanged.
    """
    if not isinstance(weights, Mapping) or isinstance(path, Mapping):
        raise UserError("the arguments of write must be the arrays by name, then the path")
    path = Path(path)
    if layout not in _LAYOUTS:
        raise UserError(f"unknown layout {layout!r}: choose from {', '.join(_LAYOUTS)}")
    if architecture is not None:
        check(weights, architecture)
    if path.name.endswith(".weights.h5"):
        write_bytes(path, keras_writer.weights_h5(weights, layout))
    elif path.suffix == ".keras":
        raise UserError(
            f"cannot write {path}: a .keras file contains the model too; use "
            f"alexnet.keras.save_model(weights, path, architecture)"
        )
    elif path.suffix in _READ_ONLY:
        raise UserError(
            f"cannot write {path}: {path.suffix} files can only be read; use .safetensors or "
            f".weights.h5"
        )
    else:
        write_bytes(path, _safetensors(_LAYOUTS[layout](weights)))


def _reader(path: Path) -> Callable[[Path], Mapping[str, Any]]:
    """Return the reader for the magic bytes of a file, or else for its suffix."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    if head.startswith(hdf5.MAGIC):
        return keras_reader.read_hdf5
    if head.startswith(_ZIP_MAGIC):
        return keras_reader.read_archive if keras_reader.is_archive(path) else pytorch.read_torch
    if head.startswith(_PICKLE_MAGIC):
        return pytorch.read_torch
    if head[8:] == b"{":  # the header of safetensors, after its length
        return _read_safetensors
    by_suffix: dict[str, Callable[[Path], Mapping[str, Any]]] = {
        ".safetensors": _read_safetensors,
        ".h5": keras_reader.read_hdf5,
        ".hdf5": keras_reader.read_hdf5,
        ".keras": keras_reader.read_archive,
        ".caffemodel": caffe.read_caffe,
    }
    if path.suffix in by_suffix:
        return by_suffix[path.suffix]
    if head:
        raise UserError(f"{path} is not a weights file; supported formats: {_READABLE}")
    return pytorch.read_torch  # whose message fits an empty file


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except TypeError:  # NumPy has no bfloat16
        from safetensors.torch import load_file as load_tensors

        return dict(load_tensors(path))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is not a valid safetensors file, or is truncated: {error}"
        ) from error


def _safetensors(named: Mapping[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(named[name]) for name in sorted(named)})


def _arrays(state: Mapping[str, Any], source: str) -> dict[str, np.ndarray]:
    arrays = {}
    for name, value in state.items():
        if hasattr(value, "detach") and value.is_floating_point():
            value = value.detach().float().cpu().numpy()
        if isinstance(value, np.ndarray) and value.dtype.name == "bfloat16":
            value = value.astype(np.float32)  # a type that ml_dtypes, which JAX imports, adds
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise UserError(f"{source}: {name} is not an array of floating-point numbers")
        arrays[name] = value.astype(np.float32, copy=False)
    return {name: arrays[name] for name in sorted_by_layer(arrays)}
