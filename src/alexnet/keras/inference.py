"""A Keras AlexNet that takes decoded images: logits of views of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.data import augmentation
from alexnet.data.batches import Batches
from alexnet.keras.arrays import load_weights
from alexnet.keras.model import untrained
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Activation


class KerasInferenceModel:
    """A network with its preprocessing, on the device that Keras was started on.

    Args:
        weights: by canonical name.
        mean_image: subtracted from each pixel, where the preprocessing has one.
        workers: threads that prepare images; None for one a core.

    Raises:
        UserError: weights that do not fit.
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
        self.network = untrained(architecture, data_format="channels_last", dtype="float32")
        load_weights(self.network, weights)
        self.before_use: Callable[[], None] = _nothing
        """Called before the weights are used; a trainer puts those of its last step in."""
        self._predict = _compiled(self.network)
        self._batches = Batches(
            preprocessing, architecture.in_channels, mean_image=mean_image, workers=workers
        )

    def logits(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """Logits, (N, num_classes), of kept squares (resize_px, resize_px, 3), RGB."""
        self.before_use()
        logits: NDArray[np.float32] = self._predict(self.batch(images, plan))
        return logits

    def peaks(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> dict[str, NDArray[np.float32]]:
        """The largest output of each channel or unit over these images, by activation layer."""
        self.before_use()
        names = [x.name for x in self.architecture.layers if isinstance(x, Activation)]
        outputs = {name: self.network.get_layer(name).output for name in names}
        found = keras.Model(self.network.input, outputs)(self.batch(images, plan), training=False)
        arrays = {name: keras.ops.convert_to_numpy(found[name]) for name in names}
        return {name: a.max(axis=tuple(range(a.ndim - 1))) for name, a in arrays.items()}

    def batch(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """What goes into conv1, (N, crop_px, crop_px, channels); valid until the next call."""
        return self._batches.make(images, plan)


def _nothing() -> None:
    pass


def _compiled(model: keras.Model) -> Callable[[NDArray[np.float32]], Any]:
    """The model as one compiled function of a batch; its weights may change between calls."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # One graph for batches of every size: a last batch is shorter.
        images = tensorflow.TensorSpec((None, *model.input_shape[1:]), "float32")
        traced = tensorflow.function(
            lambda batch: model(batch, training=False), input_signature=[images]
        )
        return lambda batch: traced(tensorflow.constant(batch)).numpy()
    import jax

    def logits(trained: list[Any], others: list[Any], batch: Any) -> Any:
        return model.stateless_call(trained, others, batch, training=False)[0]

    traced = jax.jit(logits)
    # To copy the result is to wait for it, so the batch's memory can be used again.
    return lambda batch: np.array(traced(*values_of(model), batch))


def values_of(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """The arrays of the trained and of the other variables, in the model's order."""
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
