"""Images known again by their content, whatever the form or the place they come in."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alexnet.data.hashing import EMPTY
from alexnet.errors import UserError

Contents = npt.NDArray[np.uint64]

_NUMBER_BYTES = 8
"""Of each hash: among a million images and a million others no two are mistaken for one."""


def contents(digests: Iterable[bytes | None]) -> Contents:
    """A number for each file's hash, as `fingerprints` gives them, in their order.

    A file that cannot be read and an empty one are 0, and no image.
    """
    numbers = [
        int.from_bytes(digest[:_NUMBER_BYTES], "big") if digest and digest != EMPTY else 0
        for digest in digests
    ]
    return np.array(numbers, np.uint64)


def are_known(numbers: Contents, known: Contents) -> npt.NDArray[np.bool_]:
    """Whether each image is one of the known.

    >>> are_known(np.array([5, 0, 7], np.uint64), np.array([0, 5], np.uint64)).tolist()
    [True, False, False]
    """
    found: npt.NDArray[np.bool_] = np.isin(numbers, known) & (numbers != 0)
    return found


def read_contents(path: Path) -> Contents | None:
    """The numbers in a `.npy` file; None when there is none.

    Raises:
        UserError: it is damaged.
    """
    if not path.exists():
        return None
    try:
        numbers = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    return np.asarray(numbers, np.uint64)
