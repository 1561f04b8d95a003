"""Weight files: safetensors, and PyTorch's `.pth` without running what a pickle may hold."""

import contextlib
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alexnet.errors import RunError, UserError
from alexnet.weights.names import Weights, canonical, indexed

_LAYOUTS: dict[str, Callable[[Weights], Mapping[str, np.ndarray]]] = {
    "canonical": dict,
    "indexed": indexed,
}


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays by canonical name, float32, from a state dict or a file.

    Args:
        source: a state dict (tensors or arrays), a `.safetensors` file, or a PyTorch file,
            in our layout (`conv1.weight`) or the seeds' and torchvision's indexed one
            (`features.0.weight`). PyTorch files are read with `weights_only=True`.

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
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    return _arrays(canonical(state, str(path)), str(path))


def write(weights: Weights, path: str | os.PathLike[str], *, layout: str = "canonical") -> None:
    """Write arrays by canonical name to a `.safetensors` file, complete or not at all.

    Args:
        layout: `canonical`, or `indexed` for programs with torchvision's names.

    Raises:
        UserError: a layout that does not exist, or that has no name for one of the arrays.
        RunError: the file cannot be written (a full disk); what was there stays.
    """
    from safetensors.numpy import save

    if layout not in _LAYOUTS:
        raise UserError(f"unknown layout {layout!r}: choose from {', '.join(_LAYOUTS)}")
    named = _LAYOUTS[layout](weights)
    arrays = {name: np.ascontiguousarray(named[name]) for name in sorted(named)}
    write_bytes(Path(path), save(arrays))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is complete or absent, also when the process is killed.

    Raises:
        RunError: it cannot be written; an earlier file of this name is untouched.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except TypeError:  # NumPy has no bfloat16.
        from safetensors.torch import load_file as load_tensors

        return dict(load_tensors(path))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is not a complete safetensors file: {error}") from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is refused: it is cut short, or holds more than arrays, and nothing in it "
            f"was run; save model.state_dict() instead"
        ) from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes that are no pickle can make the unpickler raise anything
        raise UserError(
            f"{path} is not a complete PyTorch weights file; save or download it again"
        ) from error
    if not isinstance(state, Mapping):
        raise UserError(f"{path} holds a {type(state).__name__} and not a state dict")
    return state


def _arrays(state: Mapping[str, Any], source: str) -> dict[str, np.ndarray]:
    arrays = {}
    for name, value in state.items():
        if hasattr(value, "detach") and value.is_floating_point():
            value = value.detach().float().cpu().numpy()
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise UserError(f"{source}: {name} is not an array of floating-point numbers")
        arrays[name] = value.astype(np.float32, copy=False)
    return arrays
