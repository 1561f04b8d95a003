"""Recognize images by their content, regardless of name, folder or archive."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alexnet.data.hashing import EMPTY
from alexnet.errors import UserError

ContentIds = npt.NDArray[np.uint64]

_ID_BYTES = 8
"""Bytes of a digest that form an id; among a million images, a collision is improbable."""


def content_ids(digests: Iterable[bytes | None]) -> ContentIds:
    """Return the id of each file's content from its digest, as `fingerprints` returns them.

    Unreadable and empty files have the id 0, which stands for no image.
    """
    ids = [
        int.from_bytes(digest[:_ID_BYTES], "big") if digest and digest != EMPTY else 0
        for digest in digests
    ]
    return np.array(ids, np.uint64)


def is_member(ids: ContentIds, members: ContentIds) -> npt.NDArray[np.bool_]:
    """Return for each image whether it is among the members.

    >>> is_member(np.array([5, 0, 7], np.uint64), np.array([0, 5], np.uint64)).tolist()
    [True, False, False]
    """
    mask: npt.NDArray[np.bool_] = np.isin(ids, members) & (ids != 0)
    return mask


def load_content_ids(path: Path) -> ContentIds | None:
    """Load ids from a `.npy` file; return None if there is no such file.

    Raises:
        UserError: the file is corrupt.
    """
    if not path.exists():
        return None
    try:
        ids = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    return np.asarray(ids, np.uint64)
