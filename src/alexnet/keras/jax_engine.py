"""The training step in JAX, as one compiled function of all arrays."""

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
from alexnet.keras.inference import values_of
from alexnet.keras.objective import losses


class JaxEngine:
    """See `alexnet.keras.trainer.Engine`.

    The arrays of the last step are given up to the next, which writes over them; so the model's
    variables hold none that are of use until `put_into_model`.
    """

    def __init__(self, model: keras.Model, recipe: Recipe, factors: Mapping[str, float]) -> None:
        self._model, self._recipe = model, recipe
        trained = {id(variable): name for name, variable in variables(model).items()}
        self._names = [trained[id(variable)] for variable in model.trainable_variables]
        self._factors = [factors[name] for name in self._names]
        self._trained, self._others = _copied(values_of(model))
        self._state = [optimizers.start(recipe, weight) for weight in self._trained]
        dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        generators = [id(layer.seed_generator.state) for layer in dropouts]
        of_model = [id(variable) for variable in model.non_trainable_variables]
        self._seed_places = [of_model.index(generator) for generator in generators]
        self._step = jax.jit(self._traced, donate_argnums=(0, 1, 2))

    def step(
        self, batch: NDArray[np.float32], labels: NDArray[np.int32], lr: float, seeds: Any
    ) -> tuple[float, float, int]:
        for place, seed in zip(self._seed_places, seeds, strict=True):
            self._others[place] = jnp.asarray(seed.astype(np.uint32))
        (self._trained, self._others, self._state), figures = self._step(
            self._trained, self._others, self._state, batch, labels, jnp.float32(lr)
        )
        # To read the figures is to wait for the step, so the batch's memory can be used again.
        loss, shown, hits = (figure.item() for figure in figures)
        return loss, shown, hits

    def _traced(
        self, trained: list[Any], others: list[Any], state: list[Any], *inputs: Any
    ) -> tuple[Any, Any]:
        batch, labels, lr = inputs

        def objective(trained: list[Any]) -> tuple[Any, tuple[Any, Any, Any]]:
            logits, after = self._model.stateless_call(trained, others, batch, training=True)
            loss, shown, hits = losses(logits, labels, self._recipe.label_smoothing)
            return loss, (shown, hits, after)

        (loss, (shown, hits, after)), gradients = jax.value_and_grad(objective, has_aux=True)(
            trained
        )
        updated = [
            optimizers.update(self._recipe, weight, gradient, kept, lr * factor)
            for weight, gradient, kept, factor in zip(
                trained, gradients, state, self._factors, strict=True
            )
        ]
        new = ([weight for weight, _ in updated], after, [kept for _, kept in updated])
        is_finite = jnp.isfinite(loss + shown)
        kept = jax.tree.map(lambda a, b: jnp.where(is_finite, a, b), new, (trained, others, state))
        return kept, (loss, shown, hits)

    def read_state(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            name: {key: np.array(value) for key, value in kept.items()}
            for name, kept in zip(self._names, self._state, strict=True)
        }

    def write_state(self, state: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        for name, kept in zip(self._names, self._state, strict=True):
            kept |= {key: jnp.array(array) for key, array in state[name].items() if key in kept}

    def put_into_model(self) -> None:
        """Copies: the next step gives its own arrays up."""
        trained, others = _copied((self._trained, self._others))
        for variable, value in zip(self._model.trainable_variables, trained, strict=True):
            variable.assign(value)
        for variable, value in zip(self._model.non_trainable_variables, others, strict=True):
            variable.assign(value)


def _copied(lists: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    first, second = ([jnp.array(value, copy=True) for value in values] for values in lists)
    return first, second
