"""PyTorch's files, zip and older, without running what a pickle may hold."""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexnet.errors import UserError


def read_torch(path: Path) -> Mapping[str, Any]:
    """The state dict of a file that `torch.save` wrote, with `weights_only=True`.

    Raises:
        UserError: damaged, or with anything in it but arrays.
    """
    import torch

    try:
        with warnings.catch_warnings():
            # Of what a hostile file may hold; it is refused below, in one line.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is refused: it is a pickle, cut short or with more in it than arrays, and "
            f"nothing of it was run; save model.state_dict() instead"
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
