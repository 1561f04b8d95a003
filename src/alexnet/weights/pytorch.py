"""Read PyTorch's files, zip and older, without executing code in their pickles."""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexnet.errors import UserError


def read_torch(path: Path) -> Mapping[str, Any]:
    """Return the state dict in a file of `torch.save`, loaded with `weights_only=True`.

    Raises:
        UserError: The file is unreadable, corrupt, or contains anything but arrays.
    """
    import torch

    try:
        with warnings.catch_warnings():
            # About the content of hostile files, which are refused below.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"refused to load {path}: its pickle is truncated or contains more than arrays, and "
            f"was not executed; save model.state_dict() instead"
        ) from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # corrupt files make the unpickler raise errors of any type
        raise UserError(
            f"{path} is not a valid PyTorch weights file, or is truncated; save or download it "
            f"again"
        ) from error
    if not isinstance(state, Mapping):
        raise UserError(f"{path} contains a {type(state).__name__}, not a state dict")
    return state
