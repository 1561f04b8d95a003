"""The training step with Keras, and the optimizer state that a checkpoint stores."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from alexnet.backends.keras_startup import is_bf16_faster
from alexnet.config.hyperparameters import Recipe
from alexnet.data.augmentation import Plan
from alexnet.errors import DivergedError, UserError
from alexnet.keras.arrays import flat_channels, read_weights, variables
from alexnet.keras.inference import KerasInferenceModel
from alexnet.keras.model import build_functional
from alexnet.weights import keras_layout

_STATE_PREFIX = "optimizer."
_SEED_WORD = 2**31


class Engine(Protocol):
    """A compiled training step of one backend; arrays have Keras' layout and canonical names."""

    def step(
        self, batch: NDArray[np.float32], labels: NDArray[np.int32], lr: float, seeds: Any
    ) -> tuple[float, float, int]:
        """Update the weights; return the loss, the loss without smoothing and the correct count.

        A non-finite loss leaves weights and state unchanged.

        Args:
            seeds: (num_dropouts, 2), the seed of each dropout layer in this step.
        """
        ...

    def read_state(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the optimizer state of each trained weight."""
        ...

    def write_state(self, state: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Restore the optimizer state of each trained weight."""
        ...

    def sync_model(self) -> None:
        """Copy the current weights into the model's variables."""
        ...


class Trainer:
    """Trains a model step by step; the caller runs the loop over epochs.

    Args:
        precision: auto, fp32 or bf16.
        lr_factors: multipliers of the learning rate by canonical name; 1 if absent, 0 for frozen
            weights.

    Raises:
        UserError: if the backend does not support the precision.
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
        trainable = {id(variable) for variable in self._model.trainable_variables}
        self._names = [n for n, v in variables(self._model).items() if id(v) in trainable]
        self._engine = _engine(self._model, recipe, {n: factors.get(n, 1.0) for n in self._names})
        self._channels = flat_channels(self._model)
        self._num_dropouts = sum(isinstance(x, keras.layers.Dropout) for x in self._model.layers)
        model.sync_weights = self._sync_inference_model

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
        """Update the weights once; arguments and result as in `alexnet.backends.Trainer`."""
        high = seed // _SEED_WORD % _SEED_WORD
        seeds = [[(seed + layer) % _SEED_WORD, high] for layer in range(self._num_dropouts)]
        loss, unsmoothed, correct = self._engine.step(
            self._inference_model.batch(images, plan),
            labels.astype(np.int32),
            lr,
            np.array(seeds, np.int64).reshape(self._num_dropouts, 2),
        )
        if not math.isfinite(loss + unsmoothed):
            raise DivergedError(unsmoothed, lr)
        return unsmoothed, correct

    def weights(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by canonical name, float32."""
        self._engine.sync_model()
        return read_weights(self._model)

    def state(self) -> dict[str, np.ndarray]:
        """Return the optimizer state by name, in the canonical layout."""
        return {
            f"{_STATE_PREFIX}{name}.{key}": self._convert(keras_layout.from_keras, name, array)
            for name, weight_state in self._engine.read_state().items()
            for key, array in weight_state.items()
        }

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore what `state` returned, in this or another backend."""
        state: dict[str, dict[str, np.ndarray]] = {name: {} for name in self._names}
        for name in self._names:
            prefix = f"{_STATE_PREFIX}{name}."
            for key, array in arrays.items():
                if key.startswith(prefix):
                    converted = self._convert(keras_layout.to_keras, name, array)
                    state[name][key.removeprefix(prefix)] = converted
        self._engine.write_state(state)

    def _convert(self, convert: Any, name: str, array: np.ndarray) -> np.ndarray:
        """Convert an array of the optimizer state to the other layout; scalars have none."""
        converted: np.ndarray = convert(name, array, self._channels) if array.ndim else array
        return converted

    def _sync_inference_model(self) -> None:
        self._engine.sync_model()
        if self._model is not self._inference_model.network:
            _copy_weights(self._model, self._inference_model.network)


def _training_model(model: KerasInferenceModel, precision: str) -> keras.Model:
    """Return the inference network itself, or for bf16 a mixed-precision copy of it."""
    if precision == "fp16":
        raise UserError("precision fp16 requires PyTorch on a GPU; with Keras, use bf16 or fp32")
    is_mixed = precision == "bf16" or (
        precision == "auto" and is_bf16_faster(keras.backend.backend())
    )
    if not is_mixed:
        return model.network
    network = build_functional(
        model.architecture, data_format="channels_last", dtype="mixed_bfloat16"
    )
    _copy_weights(model.network, network)
    return network


def _copy_weights(source: keras.Model, target: keras.Model) -> None:
    for to, value in zip(target.weights, source.weights, strict=True):
        to.assign(value.value)


def _freeze(model: keras.Model, factors: Mapping[str, float]) -> None:
    """Set `trainable = False` on layers whose weights are all frozen."""
    factors_by_layer: dict[str, list[float]] = {}
    for name in variables(model):
        factors_by_layer.setdefault(name.partition(".")[0], []).append(factors.get(name, 1.0))
    for layer, layer_factors in factors_by_layer.items():
        model.get_layer(layer).trainable = any(layer_factors)


def _engine(model: keras.Model, recipe: Recipe, factors: Mapping[str, float]) -> Engine:
    if keras.backend.backend() == "tensorflow":
        from alexnet.keras.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(model, recipe, factors)
    from alexnet.keras.jax_engine import JaxEngine

    return JaxEngine(model, recipe, factors)
