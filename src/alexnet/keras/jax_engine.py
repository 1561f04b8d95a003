"""The training step in JAX, compiled as one pure function."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from alexnet.config.hyperparameters import Recipe
from alexnet.keras import optimizers
from alexnet.keras.arrays import variables
from alexnet.keras.inference import variable_values
from alexnet.keras.objective import losses


class JaxEngine:
    """The JAX implementation of `alexnet.keras.trainer.Engine`.

    Each step donates its input arrays, so that their memory is reused. The model's variables are
    therefore stale until `sync_model` copies the current values into them.
    """

    def __init__(self, model: keras.Model, recipe: Recipe, factors: Mapping[str, float]) -> None:
        self._model, self._recipe = model, recipe
        names = {id(variable): name for name, variable in variables(model).items()}
        self._names = [names[id(variable)] for variable in model.trainable_variables]
        self._factors = [factors[name] for name in self._names]
        self._trainable, self._non_trainable = _copy(variable_values(model))
        self._state = [optimizers.initial_state(recipe, weight) for weight in self._trainable]
        dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        generators = [id(layer.seed_generator.state) for layer in dropouts]
        non_trainable = [id(variable) for variable in model.non_trainable_variables]
        self._seed_indices = [non_trainable.index(generator) for generator in generators]
        self._step = jax.jit(self._pure_step, donate_argnums=(0, 1, 2))

    def step(
        self, batch: NDArray[np.float32], labels: NDArray[np.int32], lr: float, seeds: Any
    ) -> tuple[float, float, int]:
        for index, seed in zip(self._seed_indices, seeds, strict=True):
            self._non_trainable[index] = jnp.asarray(seed.astype(np.uint32))
        (self._trainable, self._non_trainable, self._state), metrics = self._step(
            self._trainable, self._non_trainable, self._state, batch, labels, jnp.float32(lr)
        )
        # Reading the metrics waits for the step, so the memory of the batch can be reused.
        loss, unsmoothed, correct = (metric.item() for metric in metrics)
        return loss, unsmoothed, correct

    def _pure_step(
        self, trainable: list[Any], non_trainable: list[Any], state: list[Any], *inputs: Any
    ) -> tuple[Any, Any]:
        batch, labels, lr = inputs

        def objective(trainable: list[Any]) -> tuple[Any, tuple[Any, Any, Any]]:
            logits, new_non_trainable = self._model.stateless_call(
                trainable, non_trainable, batch, training=True
            )
            loss, unsmoothed, correct = losses(logits, labels, self._recipe.label_smoothing)
            return loss, (unsmoothed, correct, new_non_trainable)

        (loss, aux), gradients = jax.value_and_grad(objective, has_aux=True)(trainable)
        unsmoothed, correct, new_non_trainable = aux
        updates = [
            optimizers.update(self._recipe, weight, gradient, weight_state, lr * factor)
            for weight, gradient, weight_state, factor in zip(
                trainable, gradients, state, self._factors, strict=True
            )
        ]
        new = ([weight for weight, _ in updates], new_non_trainable, [s for _, s in updates])
        old = (trainable, non_trainable, state)
        is_finite = jnp.isfinite(loss + unsmoothed)
        result = jax.tree.map(lambda a, b: jnp.where(is_finite, a, b), new, old)
        return result, (loss, unsmoothed, correct)

    def read_state(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            name: {key: np.array(value) for key, value in weight_state.items()}
            for name, weight_state in zip(self._names, self._state, strict=True)
        }

    def write_state(self, state: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        for name, own in zip(self._names, self._state, strict=True):
            own |= {key: jnp.array(array) for key, array in state[name].items() if key in own}

    def sync_model(self) -> None:
        """Assign copies: the next step donates the originals."""
        trainable, non_trainable = _copy((self._trainable, self._non_trainable))
        for variable, value in zip(self._model.trainable_variables, trainable, strict=True):
            variable.assign(value)
        for variable, value in zip(self._model.non_trainable_variables, non_trainable, strict=True):
            variable.assign(value)


def _copy(lists: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    first, second = ([jnp.array(value, copy=True) for value in values] for values in lists)
    return first, second
