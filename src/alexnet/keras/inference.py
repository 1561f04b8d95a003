"""Inference with a Keras AlexNet: from decoded images to logits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.data import augmentation
from alexnet.data.batches import Batches
from alexnet.keras.arrays import load_weights
from alexnet.keras.model import build_functional
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Activation


class KerasInferenceModel:
    """A Keras model with its preprocessing, on the device that Keras was started on.

    Args:
        weights: arrays by canonical name.
        mean_image: per-pixel mean to subtract, if the preprocessing uses one.
        workers: number of threads that prepare images; one per CPU core if None.

    Raises:
        UserError: if the weights do not fit the architecture.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, np.ndarray],
        preprocessing: Preprocessing,
        *,
        mean_image: NDArray[np.float32] | None = None,
        workers: int | None = None,
    ) -> None:
        self.architecture = architecture
        self.preprocessing = preprocessing
        self.network = build_functional(architecture, data_format="channels_last", dtype="float32")
        load_weights(self.network, weights)
        self.sync_weights: Callable[[], None] = lambda: None
        """Called before each prediction; a trainer sets it to copy in its latest weights."""
        self._predict = _compile(self.network)
        self._batches = Batches(
            preprocessing, architecture.in_channels, mean_image=mean_image, workers=workers
        )

    def logits(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """Return logits (N, num_classes) for stored images (resize_px, resize_px, 3), uint8 RGB."""
        self.sync_weights()
        logits: NDArray[np.float32] = self._predict(self.batch(images, plan))
        return logits

    def peaks(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> dict[str, NDArray[np.float32]]:
        """Return each activation layer's maximum per channel or unit over these images."""
        self.sync_weights()
        names = [x.name for x in self.architecture.layers if isinstance(x, Activation)]
        outputs = {name: self.network.get_layer(name).output for name in names}
        extractor = keras.Model(self.network.input, outputs)
        activations = extractor(self.batch(images, plan), training=False)
        arrays = {name: keras.ops.convert_to_numpy(activations[name]) for name in names}
        return {name: a.max(axis=tuple(range(a.ndim - 1))) for name, a in arrays.items()}

    def batch(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """Return the input of conv1, (N, crop_px, crop_px, channels); valid until the next call."""
        return self._batches.make(images, plan)


def _compile(model: keras.Model) -> Callable[[NDArray[np.float32]], Any]:
    """Return a compiled function from a batch to logits; weights may change between calls."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # A free batch dimension: the last batch is smaller and must not retrace.
        images = tensorflow.TensorSpec((None, *model.input_shape[1:]), "float32")
        predict = tensorflow.function(
            lambda batch: model(batch, training=False), input_signature=[images]
        )
        return lambda batch: predict(tensorflow.constant(batch)).numpy()
    import jax

    @jax.jit
    def logits(trainable: list[Any], non_trainable: list[Any], batch: Any) -> Any:
        return model.stateless_call(trainable, non_trainable, batch, training=False)[0]

    # Copying the result waits for it, so the memory of the batch can be reused.
    return lambda batch: np.array(logits(*variable_values(model), batch))


def variable_values(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """Return the arrays of the trainable and non-trainable variables, in the model's order."""
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
