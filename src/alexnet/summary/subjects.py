"""The network that a person means: a variant's name, or the folder of a run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexnet.errors import UserError
from alexnet.spec.architectures import VARIANTS, Architecture, architecture


def network(
    name: "str | os.PathLike[str] | Architecture", changes: Mapping[str, Any] | None = None
) -> Architecture:
    """The architecture of a variant or of a run, with some fields changed.

    Args:
        name: one of `alexnet.variants()`; or a run's folder, `./paper` for one that is called
            like a variant; or an `Architecture`.
        changes: fields of `Architecture` with their new values, as values or as texts.

    Raises:
        UserError: neither a variant nor a run, a field that does not exist, or an
            architecture that is impossible.

    Example:
        >>> network("paper", {"num_classes": "10"}).num_classes
        10
    """
    if not isinstance(name, Architecture) and str(name) not in VARIANTS:
        name = _of_run(name)
    return architecture(name if isinstance(name, Architecture) else str(name), **changes or {})


def _of_run(name: str | os.PathLike[str]) -> Architecture:
    if Path(name).exists() or Path(name).name != str(name):
        from alexnet.run import Run  # it brings NumPy

        return Run.open(name).architecture
    try:
        return architecture(str(name))
    except UserError as error:
        raise UserError(f"{error}; or the folder of a run") from None
