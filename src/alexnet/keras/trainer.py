"""A training step with Keras, and everything that a run needs to go on after it was stopped."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from alexnet.backends.keras_startup import multiplies_bf16
from alexnet.config.hyperparameters import Recipe
from alexnet.data.augmentation import Plan
from alexnet.errors import DivergedError, UserError
from alexnet.keras.arrays import flat_channels, read_weights, variables
from alexnet.keras.inference import KerasInferenceModel
from alexnet.keras.model import untrained
from alexnet.weights import keras_layout

_OPTIMIZER = "optimizer."
_HALF = 2**31


class Engine(Protocol):
    """A compiled training step of one backend. Arrays are in Keras' layout, by canonical name."""

    def step(
        self, batch: NDArray[np.float32], labels: NDArray[np.int32], lr: float, seeds: Any
    ) -> tuple[float, float, int]:
        """The loss, the loss without smoothing, and the hits; nothing changes if it is not finite.

        Args:
            seeds: (dropout layers, 2), of each of them in this step.
        """
        ...

    def read_state(self) -> dict[str, dict[str, np.ndarray]]:
        """The optimizer's state of each trained weight."""
        ...

    def write_state(self, state: Mapping[str, Mapping[str, np.ndarray]]) -> None: ...

    def put_into_model(self) -> None:
        """Bring the model's variables up to the last step."""
        ...


class Trainer:
    """Trains a network; the loop over epochs is the caller's.

    Args:
        precision: auto, fp32 or bf16.
        lr_factors: by canonical name, what the learning rate of a weight is multiplied by; 1
            where it is not named, and 0 for a weight that stays as it is.

    Raises:
        UserError: a precision that this backend does not train with.
    """

    def __init__(
        self,
        model: KerasInferenceModel,
        recipe: Recipe,
        *,
        precision: str = "auto",
        lr_factors: Mapping[str, float] | None = None,
    ) -> None:
        self._inference_model = model
        self._recipe = recipe
        self._model = _training_model(model, precision)
        factors = dict(lr_factors or {})
        _freeze(self._model, factors)
        trained = {id(variable) for variable in self._model.trainable_variables}
        self._names = [n for n, v in variables(self._model).items() if id(v) in trained]
        self._engine = _engine(self._model, recipe, {n: factors.get(n, 1.0) for n in self._names})
        self._channels = flat_channels(self._model)
        self._dropouts = sum(isinstance(x, keras.layers.Dropout) for x in self._model.layers)
        model.before_use = self._bring_up_to_date

    @property
    def model(self) -> KerasInferenceModel:
        return self._inference_model

    def step(
        self,
        images: Sequence[NDArray[np.uint8]],
        labels: NDArray[np.int64],
        plan: Plan,
        *,
        lr: float,
        seed: int,
    ) -> tuple[float, int]:
        """One update of the weights; arguments and result as in `alexnet.backends.Trainer`."""
        seeds = [[(seed + i) % _HALF, seed // _HALF % _HALF] for i in range(self._dropouts)]
        loss, shown, hits = self._engine.step(
            self._inference_model.batch(images, plan),
            labels.astype(np.int32),
            lr,
            np.array(seeds, np.int64).reshape(self._dropouts, 2),
        )
        if not math.isfinite(loss + shown):
            raise DivergedError(shown, lr)
        return shown, hits

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by canonical name, float32."""
        self._engine.put_into_model()
        return read_weights(self._model)

    def state(self) -> dict[str, np.ndarray]:
        """What the optimizer carries from step to step, by name, in the canonical layout."""
        return {
            f"{_OPTIMIZER}{name}.{key}": self._turned(keras_layout.from_keras, name, array)
            for name, kept in self._engine.read_state().items()
            for key, array in kept.items()
        }

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put back what `state` gave, here or in another backend."""
        state: dict[str, dict[str, np.ndarray]] = {name: {} for name in self._names}
        for name in self._names:
            prefix = f"{_OPTIMIZER}{name}."
            for key, array in arrays.items():
                if key.startswith(prefix):
                    turned = self._turned(keras_layout.to_keras, name, array)
                    state[name][key.removeprefix(prefix)] = turned
        self._engine.write_state(state)

    def _turned(self, turn: Any, name: str, array: np.ndarray) -> np.ndarray:
        """An array of the optimizer in the other layout; single numbers have none."""
        turned: np.ndarray = turn(name, array, self._channels) if array.ndim else array
        return turned

    def _bring_up_to_date(self) -> None:
        self._engine.put_into_model()
        if self._model is not self._inference_model.network:
            for target, source in zip(
                self._inference_model.network.weights, self._model.weights, strict=True
            ):
                target.assign(source.value)


def _training_model(model: KerasInferenceModel, precision: str) -> keras.Model:
    """The network's own model, or for bf16 a second one that computes in it."""
    if precision == "fp16":
        raise UserError("precision fp16 is for PyTorch on a GPU; with Keras use bf16 or fp32")
    is_half = precision == "bf16" or (
        precision == "auto" and multiplies_bf16(keras.backend.backend())
    )
    if not is_half:
        return model.network
    network = untrained(model.architecture, data_format="channels_last", dtype="mixed_bfloat16")
    for target, source in zip(network.weights, model.network.weights, strict=True):
        target.assign(source.value)
    return network


def _freeze(model: keras.Model, factors: Mapping[str, float]) -> None:
    """Take the layers out of training whose weights all stay as they are."""
    by_layer: dict[str, list[float]] = {}
    for name in variables(model):
        by_layer.setdefault(name.partition(".")[0], []).append(factors.get(name, 1.0))
    for layer, values in by_layer.items():
        model.get_layer(layer).trainable = any(values)


def _engine(model: keras.Model, recipe: Recipe, factors: Mapping[str, float]) -> Engine:
    if keras.backend.backend() == "tensorflow":
        from alexnet.keras.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(model, recipe, factors)
    from alexnet.keras.jax_engine import JaxEngine

    return JaxEngine(model, recipe, factors)
