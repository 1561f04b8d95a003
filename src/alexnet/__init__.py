"""AlexNet, whole: the 2012 network and its variants, trained on your own images.

Names are loaded when they are first used, so that `import alexnet` needs no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

from alexnet.errors import RunError, UserError
from alexnet.spec.architectures import Architecture, architecture, variants

if TYPE_CHECKING:
    from alexnet import keras as keras
    from alexnet import summary as summary
    from alexnet import weights as weights
    from alexnet.torch import AlexNet as AlexNet

__all__ = [
    "AlexNet",
    "Architecture",
    "RunError",
    "UserError",
    "architecture",
    "keras",
    "summary",
    "variants",
    "weights",
]
__version__ = "0.1.0"

_LAZY = {"AlexNet": "alexnet.torch"}
_LAZY_MODULES = ("summary", "keras", "weights")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _LAZY_MODULES:
        return importlib.import_module(f"alexnet.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion offers: also the names that are not loaded yet."""
    return sorted({*globals(), *__all__})
