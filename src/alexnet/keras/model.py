"""The Keras models of an `Architecture`, functional and subclassed. No numbers of their own."""

import dataclasses
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
from keras import layers as kl

from alexnet import weights
from alexnet.config.settings import check_names
from alexnet.errors import UserError
from alexnet.keras.adaptive_pool import AdaptiveMeanPooling2D
from alexnet.keras.arrays import load_weights
from alexnet.keras.conv import Conv2D
from alexnet.keras.lrn import LocalResponseNorm
from alexnet.spec import layers as spec
from alexnet.spec.architectures import Architecture, architecture

_FIELDS = tuple(field.name for field in dataclasses.fields(Architecture))


def functional(
    variant: str | Architecture = "paper",
    *,
    softmax: bool = False,
    data_format: str | None = None,
    dtype: Any = None,
    name: str | None = None,
    **changes: Any,
) -> keras.Model:
    """AlexNet as a Keras functional model: any variant, any change of it.

    Takes images (N, H, W, C), or (N, C, H, W) with `channels_first`, of the architecture's
    size, and gives logits (N, num_classes). Layers are named conv1 … fc8, with relu, norm, pool
    and dropout numbered after their layer. The weights start as `architecture.init` says, drawn
    from the seed that `keras.utils.set_random_seed` sets.

    Args:
        variant: one of `alexnet.variants()`, or an `Architecture`.
        softmax: end with probabilities instead of logits, as the seed's network does.
        data_format: `channels_last` or `channels_first`; Keras' own setting when not given.
        dtype: the layers' type or policy, such as `mixed_bfloat16`; Keras' own when not given.
        changes: fields of `Architecture` with their new values.

    Raises:
        UserError: a variant or a field that does not exist, or that does not fit.

    Example:
        >>> model = functional("half", num_classes=5)
        >>> model.output_shape, model.get_layer("conv1").filters
        ((None, 5), 48)
    """
    net = architecture(variant, **changes)
    model = untrained(net, softmax=softmax, data_format=data_format, dtype=dtype, name=name)
    load_weights(model, weights.initial(net, _seed()))
    return model


def untrained(
    net: Architecture,
    *,
    softmax: bool = False,
    data_format: str | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> keras.Model:
    """As `functional`, with weights that mean nothing yet."""
    data_format = data_format or keras.config.image_data_format()
    inputs = keras.Input(_image_shape(net, data_format), name="images")
    x = inputs
    for layer in _layers(net, softmax=softmax, data_format=data_format, dtype=dtype):
        x = layer(x)
    return keras.Model(inputs, x, name=name or _model_name(net))


@keras.saving.register_keras_serializable(package="alexnet")
class AlexNet(keras.Model):  # type: ignore[misc]
    """AlexNet as a subclassed Keras model: any variant, any change of it.

    Layers are attributes by their usual names (`model.conv1`, `model.fc7`). What goes in and
    out, and all arguments, are those of `functional`.

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
        of_keras = {key: changes.pop(key) for key in ("trainable",) if key in changes}
        if isinstance(variant, Mapping):  # as `get_config` has it
            variant = Architecture(**variant)
        net = architecture(variant, **changes)
        super().__init__(name=name or _model_name(net), dtype=dtype, **of_keras)
        self.architecture = net
        self._has_softmax = softmax
        self.data_format = data_format or keras.config.image_data_format()
        made = list(_layers(net, softmax=softmax, data_format=self.data_format, dtype=dtype))
        for layer in made:
            setattr(self, layer.name, layer)
        self._order = tuple(layer.name for layer in made)
        self.build((None, *_image_shape(net, self.data_format)))
        load_weights(self, weights.initial(net, _seed()))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape
        for name in self._order:
            layer = getattr(self, name)
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        self._check_images(inputs)
        x = inputs
        for name in self._order:
            x = getattr(self, name)(x, **_mode(getattr(self, name), training))
        return x

    def _check_images(self, inputs: Any) -> None:
        """Raise `UserError` for images of another size, before a layer in the middle does."""
        expected = _image_shape(self.architecture, self.data_format)
        got = tuple(inputs.shape)[1:]
        same_rank = len(got) == len(expected)
        fits = same_rank and all(a in (None, b) for a, b in zip(got, expected, strict=True))
        if not fits and not (same_rank and self.architecture.adaptive_pool):
            raise UserError(
                f"images have to be {('N', *expected)}, got {('N', *got)}: "
                f"{self.data_format.replace('_', ' ')}, image_size={self.architecture.image_size}"
            )

    def activations(self, inputs: Any, layers: Iterable[str] | None = None) -> dict[str, Any]:
        """The outputs of the named layers (of all, if none are named).

        Raises:
            UserError: a layer that the network does not have, with the nearest name.
        """
        layers = [layers] if isinstance(layers, str) else layers
        wanted = self._order if layers is None else tuple(layers)
        check_names(wanted, self._order, "layer")
        x, found = inputs, {}
        for name in self._order:
            x = found[name] = getattr(self, name)(x)
        return {name: found[name] for name in wanted}

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


def _mode(layer: kl.Layer, training: bool | None) -> dict[str, Any]:
    """Whether it is training, for the layers that ask."""
    return {"training": training} if isinstance(layer, (kl.Dropout, kl.BatchNormalization)) else {}


def _layers(
    net: Architecture, *, softmax: bool, data_format: str, dtype: Any
) -> Iterator[kl.Layer]:
    """The Keras layers in the order in which an image passes them."""
    formatted = {"data_format": data_format, "dtype": dtype}
    head = _head_type(dtype)
    for layer in net.layers:
        if isinstance(layer, spec.Conv) and _padding(layer) == "valid" and any(layer.padding):
            name = layer.name.replace("conv", "pad")
            yield kl.ZeroPadding2D((layer.padding, layer.padding), name=name, **formatted)
        yield _layer(layer, data_format, head if layer == net.layers[-1] else dtype)
    if softmax:
        yield kl.Softmax(name="softmax", dtype=head)


def _head_type(dtype: Any) -> Any:
    """With mixed precision logits and probabilities stay in the type of the weights."""
    policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    return policy.variable_dtype if policy.name.startswith("mixed_") else dtype


def _layer(layer: spec.Layer, data_format: str, dtype: Any) -> kl.Layer:
    name, formatted = layer.name, {"data_format": data_format, "dtype": dtype}
    match layer:
        case spec.Conv():
            # Without groups it is Keras' own, so that a saved model needs nothing of ours for it.
            kind = Conv2D if layer.groups > 1 else kl.Conv2D
            return kind(
                layer.channels,
                layer.kernel,
                strides=layer.stride,
                padding=_padding(layer),
                groups=layer.groups,
                name=name,
                **formatted,
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
                **formatted,
            )
        case spec.BatchNorm():
            # Keras counts the share of the old values, PyTorch that of the new batch.
            return kl.BatchNormalization(
                axis=1 if data_format == "channels_first" else -1,
                momentum=1 - layer.momentum,
                epsilon=layer.eps,
                name=name,
                dtype=dtype,
            )
        case spec.MaxPool():
            return kl.MaxPooling2D(layer.window, layer.stride, name=name, **formatted)
        case spec.AdaptivePool():
            return AdaptiveMeanPooling2D(layer.size, name=name, **formatted)
        case spec.Flatten():
            return kl.Flatten(name=name, **formatted)
        case spec.Dropout():
            return kl.Dropout(layer.rate, name=name, dtype=dtype)
        case spec.Dense():
            return kl.Dense(layer.units, name=name, dtype=dtype)


def _padding(layer: spec.Conv) -> str:
    """`same` where that is what the layer pads with: a pass over memory less."""
    same = layer.stride == 1 and layer.padding == ((layer.kernel - 1) // 2, layer.kernel // 2)
    return "same" if same else "valid"


def _image_shape(net: Architecture, data_format: str) -> tuple[int, ...]:
    if data_format not in ("channels_last", "channels_first"):
        raise UserError(
            f"data_format has to be channels_last or channels_first, got {data_format!r}"
        )
    channels, height, width = net.input_shape
    first = data_format == "channels_first"
    return (channels, height, width) if first else (height, width, channels)


def _model_name(net: Architecture) -> str:
    return f"alexnet_{net.variant.replace('-', '_')}"


def _seed() -> int:
    """From Python's generator, which `keras.utils.set_random_seed` seeds and layers draw from."""
    return random.randrange(2**62)
