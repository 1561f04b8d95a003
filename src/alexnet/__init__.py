"""AlexNet, whole: the 2012 network and its variants, trained on your own images.

Names are loaded when they are first used, so that `import alexnet` needs no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

from alexnet.errors import RunError, UserError
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture, variants

if TYPE_CHECKING:
    from alexnet import data as data
    from alexnet import experiments as experiments
    from alexnet import inspect as inspect
    from alexnet import keras as keras
    from alexnet import summary as summary
    from alexnet import weights as weights
    from alexnet.backends import Compute as Compute
    from alexnet.config.hyperparameters import Recipe as Recipe
    from alexnet.config.hyperparameters import recipe as recipe
    from alexnet.evaluation import evaluate as evaluate
    from alexnet.prediction import Predictor as Predictor
    from alexnet.prediction import load as load
    from alexnet.prediction import predict as predict
    from alexnet.run import Run as Run
    from alexnet.torch import AlexNet as AlexNet
    from alexnet.training import resume as resume
    from alexnet.training import train as train

__all__ = [
    "AlexNet",
    "Architecture",
    "Compute",
    "Predictor",
    "Recipe",
    "Run",
    "RunError",
    "UserError",
    "architecture",
    "evaluate",
    "keras",
    "load",
    "predict",
    "recipe",
    "resume",
    "train",
    "variants",
    "weights",
]
__version__ = "0.2.0"

_LAZY = {
    "AlexNet": "alexnet.torch",
    "Compute": "alexnet.backends",
    "Predictor": "alexnet.prediction",
    "Recipe": "alexnet.config.hyperparameters",
    "Run": "alexnet.run",
    "evaluate": "alexnet.evaluation",
    "load": "alexnet.prediction",
    "predict": "alexnet.prediction",
    "recipe": "alexnet.config.hyperparameters",
    "resume": "alexnet.training",
    "train": "alexnet.training",
}
_LAZY_PACKAGES = ("data", "experiments", "inspect", "keras", "summary", "weights")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _LAZY_PACKAGES:
        return importlib.import_module(f"alexnet.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names that completion offers, including those not loaded yet."""
    return sorted({*globals(), *__all__})
