"""Weight files: one door to every format, told apart by their content."""

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
from alexnet.weights.names import Weights, canonical, in_order, indexed

_LAYOUTS: dict[str, Callable[[Weights], Mapping[str, np.ndarray]]] = {
    "canonical": dict,
    "indexed": indexed,
}
_ZIP_MAGIC, _PICKLE_MAGIC = b"PK\x03\x04", b"\x80"
_READ_ONLY = (".pth", ".pt", ".tar", ".caffemodel", ".h5", ".hdf5")
"""Endings of formats that are read here and not written."""
_READ = ".safetensors, .pth, .pt, .weights.h5, .h5, .keras, .caffemodel"


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays by canonical name, float32, from a state dict or a file.

    Nothing in a file is ever run, and a file is read as a whole or not at all.

    Args:
        source: a state dict (tensors or arrays) or a file:

            - `.safetensors`, or PyTorch's `.pth` (read with `weights_only=True`), in our layout
              (`conv1.weight`) or the seeds' and torchvision's indexed one (`features.0.weight`);
            - Keras' `.weights.h5`, `.keras` and older `.h5`, by the layers' names where they
              are ours and else by their order (the inputs of fc6 are taken to be as Keras'
              `Flatten` orders them, channels last);
            - Caffe's `.caffemodel`; such a conv1 takes BGR images.

    Raises:
        UserError: no such file, not a weights file, or one that holds anything but arrays.

    Example:
        >>> read({"features.0.bias": np.zeros(96)})["conv1.bias"].shape
        (96,)
    """
    if isinstance(source, Mapping):
        return _arrays(canonical(source, "state dict"), "state dict")
    path = Path(source)
    if (path / "best.safetensors").is_file():
        raise UserError(f"{path} is a run; its weights are {path / 'best.safetensors'}")
    if path.is_dir():
        raise UserError(f"{path} is a folder and neither a run nor a weights file")
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    return _arrays(canonical(_reader(path)(path), str(path)), str(path))


def write(
    weights: Weights,
    path: str | os.PathLike[str],
    *,
    layout: str = "canonical",
    architecture: Architecture | None = None,
) -> None:
    """Write arrays by canonical name to a file, complete or not at all.

    Args:
        path: `.weights.h5` for the weights of a Keras model, `.keras` for the model with them,
            and anything else for safetensors.
        layout: `canonical`, or `indexed` for programs with the names of the seeds' nets and
            torchvision's.
        architecture: checked against the weights; a `.keras` file needs it, and is written by
            Keras on the backend that `KERAS_BACKEND` names.

    Raises:
        UserError: a layout that does not exist, or that has no name for one of the arrays;
            weights that do not fit; a format that is only read; no Keras for a `.keras` file.
        RunError: the file cannot be written (a full disk); what was there stays.
    """
    if not isinstance(weights, Mapping) or isinstance(path, Mapping):
        raise UserError("write takes the arrays by name first, and then the path of the file")
    path = Path(path)
    if layout not in _LAYOUTS:
        raise UserError(f"unknown layout {layout!r}: choose from {', '.join(_LAYOUTS)}")
    if architecture is not None:
        check(weights, architecture)
    if path.name.endswith(".weights.h5"):
        write_bytes(path, keras_writer.weights_h5(weights, layout))
    elif path.suffix == ".keras":
        if architecture is None:
            raise UserError(
                f"{path}: a .keras file holds the model too, so say of what it is: "
                "write(weights, path, architecture=…)"
            )
        keras_writer.save_model(weights, path, architecture)
    elif path.suffix in _READ_ONLY:
        raise UserError(
            f"{path}: {path.suffix} files are read and not written; end the name in "
            f".safetensors, .weights.h5 or .keras"
        )
    else:
        write_bytes(path, _safetensors(_LAYOUTS[layout](weights)))


def _reader(path: Path) -> Callable[[Path], Mapping[str, Any]]:
    """By how the file begins; by its ending where that tells nothing."""
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
    if head[8:] == b"{":  # behind the length of safetensors' header
        return _read_safetensors
    by_ending: dict[str, Callable[[Path], Mapping[str, Any]]] = {
        ".safetensors": _read_safetensors,
        ".h5": keras_reader.read_hdf5,
        ".hdf5": keras_reader.read_hdf5,
        ".keras": keras_reader.read_archive,
        ".caffemodel": caffe.read_caffe,
    }
    if path.suffix in by_ending:
        return by_ending[path.suffix]
    if head:
        raise UserError(f"{path} is not a weights file; these are read: {_READ}")
    return pytorch.read_torch  # which says that it is not complete


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except TypeError:  # NumPy alone has no bfloat16.
        from safetensors.torch import load_file as load_tensors

        return dict(load_tensors(path))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is not a complete safetensors file: {error}") from error


def _safetensors(named: Mapping[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(named[name]) for name in sorted(named)})


def _arrays(state: Mapping[str, Any], source: str) -> dict[str, np.ndarray]:
    arrays = {}
    for name, value in state.items():
        if hasattr(value, "detach") and value.is_floating_point():
            value = value.detach().float().cpu().numpy()
        if isinstance(value, np.ndarray) and value.dtype.name == "bfloat16":
            value = value.astype(np.float32)  # NumPy has it where JAX or h5py was imported
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise UserError(f"{source}: {name} is not an array of floating-point numbers")
        arrays[name] = value.astype(np.float32, copy=False)
    return {name: arrays[name] for name in in_order(arrays)}
