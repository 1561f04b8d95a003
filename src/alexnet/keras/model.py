"""Functional and subclassed Keras models, built from an `Architecture`."""

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
from keras import layers as kl

from alexnet import weights
from alexnet.errors import UserError
from alexnet.keras.adaptive_pool import AdaptiveMeanPooling2D
from alexnet.keras.arrays import load_weights
from alexnet.keras.conv import Conv2D
from alexnet.keras.lrn import LocalResponseNorm
from alexnet.settings import check_names
from alexnet.spec import layers as spec
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture


def functional(
    variant: str | Architecture = "paper",
    *,
    softmax: bool = False,
    data_format: str | None = None,
    dtype: Any = None,
    name: str | None = None,
    **changes: Any,
) -> keras.Model:
    """Build AlexNet, in any variant, as a functional Keras model.

    The model maps images (N, H, W, C), or (N, C, H, W) with `channels_first`, of the architecture's
    image size to logits (N, num_classes). Its layers are named conv1 … fc8; relu, norm, pool and
    dropout layers carry the number of their layer. Weights are initialized by `architecture.init`
    from the seed set with `keras.utils.set_random_seed`.

    Args:
        variant: one of `alexnet.variants()`, or an `Architecture`.
        softmax: return probabilities instead of logits.
        data_format: `channels_last` or `channels_first`; Keras' `image_data_format` if None.
        dtype: dtype or dtype policy of the layers, such as `mixed_bfloat16`; Keras' default if
            None.
        name: name of the model; derived from the variant if None.
        changes: fields of `Architecture` to override.

    Raises:
        UserError: if the variant or a field does not exist, or a value is invalid.

    Example:
        >>> model = functional("half", num_classes=5)
        >>> model.output_shape, model.get_layer("conv1").filters
        ((None, 5), 48)
    """
    net = architecture(variant, **changes)
    model = build_functional(net, softmax=softmax, data_format=data_format, dtype=dtype, name=name)
    load_weights(model, weights.initial(net, _seed()))
    return model


def build_functional(
    net: Architecture,
    *,
    softmax: bool = False,
    data_format: str | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> keras.Model:
    """Build the functional model with uninitialized weights, to be loaded afterwards."""
    data_format = data_format or keras.config.image_data_format()
    inputs = keras.Input(_image_shape(net, data_format), name="images")
    x = inputs
    for layer in _build_layers(net, softmax=softmax, data_format=data_format, dtype=dtype):
        x = layer(x)
    return keras.Model(inputs, x, name=name or _model_name(net))


@keras.saving.register_keras_serializable(package="alexnet")
class AlexNet(keras.Model):  # type: ignore[misc]
    """AlexNet, in any variant, as a subclassed Keras model.

    Layers are attributes under their usual names (`model.conv1`, `model.fc7`). Arguments, inputs
    and outputs are those of `functional`.

    Example:
        >>> import numpy as np
        >>> model = AlexNet("half", num_classes=5)
        >>> tuple(model(np.zeros((2, 224, 224, 3), "float32")).shape)
        (2, 5)
    """

    def __init__(
        self,
        variant: str | Architecture | Mapping[str, Any] = "paper",
        *,
        softmax: bool = False,
        data_format: str | None = None,
        dtype: Any = None,
        name: str | None = None,
        **changes: Any,
    ) -> None:
        keras_options = {key: changes.pop(key) for key in ("trainable",) if key in changes}
        if isinstance(variant, Mapping):  # from `get_config`
            variant = Architecture(**variant)
        net = architecture(variant, **changes)
        super().__init__(name=name or _model_name(net), dtype=dtype, **keras_options)
        self.architecture = net
        self._has_softmax = softmax
        self.data_format = data_format or keras.config.image_data_format()
        layers = list(
            _build_layers(net, softmax=softmax, data_format=self.data_format, dtype=dtype)
        )
        for layer in layers:
            setattr(self, layer.name, layer)
        self._layer_names = tuple(layer.name for layer in layers)
        self.build((None, *_image_shape(net, self.data_format)))
        load_weights(self, weights.initial(net, _seed()))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape
        for name in self._layer_names:
            layer = getattr(self, name)
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        self._check_images(inputs)
        x = inputs
        for name in self._layer_names:
            layer = getattr(self, name)
            x = layer(x, **_call_options(layer, training))
        return x

    def _check_images(self, inputs: Any) -> None:
        """Raise `UserError` for images of another shape, before an inner layer fails on them."""
        expected = _image_shape(self.architecture, self.data_format)
        actual = tuple(inputs.shape)[1:]
        same_rank = len(actual) == len(expected)
        fits = same_rank and all(a in (None, b) for a, b in zip(actual, expected, strict=True))
        if not fits and not (same_rank and self.architecture.adaptive_pool):
            raise UserError(
                f"images must have shape {('N', *expected)}, got {('N', *actual)}; the model uses "
                f"{self.data_format} and image_size={self.architecture.image_size}"
            )

    def activations(self, inputs: Any, layers: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the outputs of the named layers, or of all layers if None.

        Raises:
            UserError: if a layer does not exist; suggests the nearest name.
        """
        layers = [layers] if isinstance(layers, str) else layers
        names = self._layer_names if layers is None else tuple(layers)
        check_names(names, self._layer_names, "layer")
        x, outputs = inputs, {}
        for name in self._layer_names:
            x = outputs[name] = getattr(self, name)(x)
        return {name: outputs[name] for name in names}

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.architecture.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {
            "variant": self.architecture.to_dict(),
            "softmax": self._has_softmax,
            "data_format": self.data_format,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _call_options(layer: kl.Layer, training: bool | None) -> dict[str, Any]:
    """Return the `training` argument for the layers whose `call` takes it."""
    return {"training": training} if isinstance(layer, (kl.Dropout, kl.BatchNormalization)) else {}


def _build_layers(
    net: Architecture, *, softmax: bool, data_format: str, dtype: Any
) -> Iterator[kl.Layer]:
    """Yield the Keras layers from input to output."""
    options = {"data_format": data_format, "dtype": dtype}
    head_dtype = _head_dtype(dtype)
    for layer in net.layers:
        if isinstance(layer, spec.Conv) and _padding(layer) == "valid" and any(layer.padding):
            name = layer.name.replace("conv", "pad")
            yield kl.ZeroPadding2D((layer.padding, layer.padding), name=name, **options)
        is_head = layer == net.layers[-1]
        yield _build_layer(layer, data_format, head_dtype if is_head else dtype)
    if softmax:
        yield kl.Softmax(name="softmax", dtype=head_dtype)


def _head_dtype(dtype: Any) -> Any:
    """Return the dtype of logits and probabilities: with mixed precision, that of the weights."""
    policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    return policy.variable_dtype if policy.name.startswith("mixed_") else dtype


def _build_layer(layer: spec.Layer, data_format: str, dtype: Any) -> kl.Layer:
    name, options = layer.name, {"data_format": data_format, "dtype": dtype}
    match layer:
        case spec.Conv():
            # Without groups, use Keras' own class: a saved model then needs no custom object.
            conv = Conv2D if layer.groups > 1 else kl.Conv2D
            return conv(
                layer.channels,
                layer.kernel,
                strides=layer.stride,
                padding=_padding(layer),
                groups=layer.groups,
                name=name,
                **options,
            )
        case spec.Activation():
            return kl.Activation(layer.function, name=name, dtype=dtype)
        case spec.LRN():
            return LocalResponseNorm(
                size=layer.size,
                alpha=layer.alpha,
                beta=layer.beta,
                k=layer.k,
                alpha_divided=layer.alpha_divided,
                name=name,
                **options,
            )
        case spec.BatchNorm():
            # Keras' momentum weighs the running values, PyTorch's the new batch.
            return kl.BatchNormalization(
                axis=1 if data_format == "channels_first" else -1,
                momentum=1 - layer.momentum,
                epsilon=layer.eps,
                name=name,
                dtype=dtype,
            )
        case spec.MaxPool():
            return kl.MaxPooling2D(layer.window, layer.stride, name=name, **options)
        case spec.AdaptivePool():
            return AdaptiveMeanPooling2D(layer.size, name=name, **options)
        case spec.Flatten():
            return kl.Flatten(name=name, **options)
        case spec.Dropout():
            return kl.Dropout(layer.rate, name=name, dtype=dtype)
        case spec.Dense():
            return kl.Dense(layer.units, name=name, dtype=dtype)


def _padding(layer: spec.Conv) -> str:
    """Return `same` where it is equivalent: it saves the pass over memory of a padding layer."""
    is_same = layer.stride == 1 and layer.padding == ((layer.kernel - 1) // 2, layer.kernel // 2)
    return "same" if is_same else "valid"


def _image_shape(net: Architecture, data_format: str) -> tuple[int, ...]:
    if data_format not in ("channels_last", "channels_first"):
        raise UserError(f"data_format must be channels_last or channels_first, got {data_format!r}")
    channels, height, width = net.input_shape
    is_channels_first = data_format == "channels_first"
    return (channels, height, width) if is_channels_first else (height, width, channels)


def _model_name(net: Architecture) -> str:
    return f"alexnet_{net.variant.replace('-', '_')}"


def _seed() -> int:
    """Draw a seed from Python's `random`, which `keras.utils.set_random_seed` seeds."""
    return random.randrange(2**62)
