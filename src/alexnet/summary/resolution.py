"""Resolve the name of a variant or the folder of a run to its architecture."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexnet.errors import UserError
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS, architecture


def resolve_architecture(
    name: "str | os.PathLike[str] | Architecture", changes: Mapping[str, Any] | None = None
) -> Architecture:
    """Return the architecture of a variant or a run, with some fields changed.

    Args:
        name: one of `alexnet.variants()`, the folder of a run (`./paper` if it is also the name
            of a variant), or an `Architecture`.
        changes: fields of `Architecture` with their new values, also as strings.

    Raises:
        UserError: neither a variant nor a run, an unknown field, or an invalid architecture.

    Example:
        >>> resolve_architecture("paper", {"num_classes": "10"}).num_classes
        10
    """
    if not isinstance(name, Architecture) and str(name) not in VARIANTS:
        name = _architecture_of_run(name)
    return architecture(name if isinstance(name, Architecture) else str(name), **changes or {})


def _architecture_of_run(name: str | os.PathLike[str]) -> Architecture:
    if Path(name).exists() or Path(name).name != str(name):
        from alexnet.run import Run  # imports NumPy

        return Run.open(name).architecture
    try:
        return architecture(str(name))
    except UserError as error:
        raise UserError(f"{error}; or pass the folder of a run") from None
