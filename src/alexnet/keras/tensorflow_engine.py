"""The training step in TensorFlow, as one graph."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from alexnet.config.hyperparameters import Recipe
from alexnet.keras import optimizers
from alexnet.keras.arrays import variables
from alexnet.keras.objective import losses


class TensorFlowEngine:
    """The TensorFlow implementation of `alexnet.keras.trainer.Engine`.

    Not compiled with XLA, whose convolutions are slower.
    """

    def __init__(self, model: keras.Model, recipe: Recipe, factors: Mapping[str, float]) -> None:
        self._model, self._recipe, self._factors = model, recipe, factors
        model_variables = variables(model)
        self._weights = {name: model_variables[name].value for name in factors}
        self._state = {
            name: {
                key: tf.Variable(value, trainable=False)
                for key, value in optimizers.initial_state(recipe, weight).items()
            }
            for name, weight in self._weights.items()
        }
        self._seeds = [
            layer.seed_generator.state
            for layer in model.layers
            if isinstance(layer, keras.layers.Dropout)
        ]
        self._step = tf.function(self._graph_step)

    def step(
        self, batch: NDArray[np.float32], labels: NDArray[np.int32], lr: float, seeds: Any
    ) -> tuple[float, float, int]:
        for state, seed in zip(self._seeds, seeds, strict=True):
            state.assign(seed)
        loss, unsmoothed, correct = self._step(
            tf.constant(batch), tf.constant(labels), tf.constant(lr, tf.float32)
        )
        return float(loss), float(unsmoothed), int(correct)

    def _graph_step(self, batch: Any, labels: Any, lr: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            logits = self._model(batch, training=True)
            loss, unsmoothed, correct = losses(logits, labels, self._recipe.label_smoothing)
        gradients = tape.gradient(loss, list(self._weights.values()))
        is_finite = tf.math.is_finite(loss + unsmoothed)
        tf.cond(is_finite, lambda: self._update(gradients, lr), lambda: tf.constant(False))
        return loss, unsmoothed, correct

    def _update(self, gradients: list[Any], lr: Any) -> Any:
        for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
            state = self._state[name]
            new_weight, new_state = optimizers.update(
                self._recipe, weight, gradient, state, lr * self._factors[name]
            )
            weight.assign(new_weight)
            for key, value in new_state.items():
                state[key].assign(value)
        return tf.constant(True)

    def read_state(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            name: {key: np.asarray(variable.numpy()) for key, variable in state.items()}
            for name, state in self._state.items()
        }

    def write_state(self, state: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        for name, own in self._state.items():
            for key, variable in own.items():
                if key in state[name]:
                    variable.assign(state[name][key])

    def sync_model(self) -> None:
        """Do nothing: the step updates the model's own variables."""
