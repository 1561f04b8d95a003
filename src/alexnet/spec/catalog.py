"""The named variants of AlexNet, each with its source."""

import dataclasses
from typing import Any

from alexnet.errors import UserError
from alexnet.settings import check_names, fields
from alexnet.spec.architectures import Architecture


def _variants() -> dict[str, Architecture]:
    caffe: dict[str, Any] = {
        "image_size": 227,
        "paddings": (0, 2, 1, 1, 1),
        "groups": (1, 2, 1, 2, 2),
        "norm": "lrn",
        "lrn_k": 1.0,
        "lrn_alpha_divided": True,
    }
    notes: dict[str, Any] = {
        "hidden": (2048, 2048),
        "dropout_position": "before",
        "init": "tutorial",
    }
    return {
        # Tutorial notes: half the paper's channels.
        "half": Architecture(variant="half", widths=(48, 128, 192, 192, 128), **notes),
        # Tutorial notes, PyTorch: conv1 pads 2 on every side, and one row and column are unused.
        "full": Architecture(variant="full", **notes),
        # Tutorial notes, TensorFlow: conv1 pads 1 before and 2 after, 224 + 3 = 227 exactly.
        "full-227": Architecture(
            variant="full-227",
            paddings=((1, 2), (2, 2), (1, 1), (1, 1), (1, 1)),
            **notes | {"dropout": 0.2},
        ),
        # Krizhevsky, Sutskever, Hinton, NIPS 2012, sections 3 and 4.
        # --8<-- [start:paper]
        "paper": Architecture(variant="paper", groups=(1, 2, 1, 2, 2), norm="lrn", init="paper"),
        # --8<-- [end:paper]
        # Caffe, models/bvlc_alexnet: LRN with alpha / n and k = 1; 227 pixels without padding.
        "bvlc": Architecture(variant="bvlc", init="bvlc", **caffe),
        # Caffe, models/bvlc_reference_caffenet: pooling before normalization.
        "caffenet": Architecture(
            variant="caffenet", order=("activation", "pool", "norm"), init="caffenet", **caffe
        ),
        # One weird trick, arXiv 1404.5997, as torchvision has it.
        "owt": Architecture(
            variant="owt",
            widths=(64, 192, 384, 256, 256),
            adaptive_pool=6,
            dropout_position="before",
            init="torch",
        ),
    }


VARIANTS = _variants()


def variants() -> tuple[str, ...]:
    """Return the names of the variants.

    >>> variants()
    ('half', 'full', 'full-227', 'paper', 'bvlc', 'caffenet', 'owt')
    """
    return tuple(VARIANTS)


def check_variant(name: str) -> None:
    """Raise `UserError` for an unknown variant, suggesting the closest name."""
    if name.lower() == "alexnet":  # torchvision uses this name for owt
        raise UserError(
            f"unknown variant {name!r}: did you mean 'owt', torchvision's alexnet, or 'paper'? "
            f"choose from {', '.join(VARIANTS)}"
        )
    check_names([name], VARIANTS, "variant")


def architecture(variant: "str | Architecture", **changes: Any) -> Architecture:
    """Return a variant, or an architecture, with some fields replaced.

    Args:
        variant: one of `variants()`, or an `Architecture`.
        changes: fields of `Architecture` and their new values; strings are parsed.

    Raises:
        UserError: an unknown variant or field (the message suggests the closest name), a value
            out of range, or an image too small for a layer.

    Example:
        >>> architecture("half", num_classes=5).num_parameters
        14591685
        >>> architecture("paper", norm="none", pool_window=2).pool_window
        2
    """
    if isinstance(variant, str):
        check_variant(variant)
        variant = VARIANTS[variant]
    check_names(changes, [field.name for field in fields(Architecture)], "architecture field")
    return dataclasses.replace(variant, **changes)
