"""Read Caffe's weights, `.caffemodel`, without Caffe.

A file is one protocol buffer message, `NetParameter`. Its fields and their numbers are those of
BVLC/caffe, src/caffe/proto/caffe.proto; only those that hold weights are declared here, and the
parser skips the others.
"""

import functools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from alexnet.errors import UserError
from alexnet.text import pluralize, printable
from alexnet.weights.layer_matching import FileLayer, check_layer_order, match_layers

_KINDS = {
    "Convolution": "conv",
    "InnerProduct": "fc",
    "4": "conv",  # V1LayerParameter.LayerType CONVOLUTION
    "14": "fc",  # INNER_PRODUCT
}

_FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "Shape": {"dim": (1, "repeated int64")},
    "Blob": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        # Declared as repeated float in Caffe. Packed numbers and bytes are the same on the wire,
        # and bytes become an array without an object per number.
        "data": (5, "bytes"),
        "shape": (7, "Shape"),
        "double_data": (8, "bytes"),
    },
    "OldestLayer": {"name": (1, "bytes")},
    "OldLayer": {
        "oldest": (1, "OldestLayer"),
        "name": (4, "bytes"),
        "type": (5, "int32"),
        "blobs": (6, "repeated Blob"),
    },
    "Layer": {"name": (1, "bytes"), "type": (2, "bytes"), "blobs": (7, "repeated Blob")},
    "Net": {
        "name": (1, "bytes"),
        "layers": (2, "repeated OldLayer"),
        "layer": (100, "repeated Layer"),
    },
}


def read_caffe(path: Path) -> dict[str, np.ndarray]:
    """Read arrays by canonical name; layers with other names are matched by their order.

    The channels of conv1 stay in Caffe's order, BGR.

    Raises:
        UserError: The file is unreadable, corrupt or not an AlexNet, or has the format that
            Caffe used before 2014.
    """
    from google.protobuf.message import DecodeError

    try:
        net = _message().FromString(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except DecodeError as error:
        raise UserError(
            f"{path} is not a valid Caffe weights file, or is truncated; download it again"
        ) from error
    source = str(path)
    layers = list(_layers(net, source))
    arrays = {}
    for name, layer in match_layers(layers, source, in_order=True).items():
        for kind, blob in zip(("weight", "bias"), layer.arrays, strict=False):
            arrays[f"{name}.{kind}"] = _array(f"{name}.{kind}", blob, source)
    check_layer_order(arrays, source)
    return arrays


def _layers(net: Any, source: str) -> Iterator[FileLayer]:
    if any(layer.HasField("oldest") for layer in net.layers):
        raise UserError(
            f"{source} has the format of Caffe before 2014; convert it with Caffe's "
            f"upgrade_net_proto_binary"
        )
    for layer in [*net.layers, *net.layer]:
        name, kind = _text(layer.name), _text(layer.type)
        if layer.blobs and kind not in _KINDS:
            raise UserError(f"{source} is not an AlexNet: layer {name} of type {kind} has weights")
        if layer.blobs:
            yield FileLayer(name=name, kind=_KINDS[kind], arrays=layer.blobs)


def _array(name: str, blob: Any, source: str) -> np.ndarray:
    """Return a blob with the dimensions of the canonical array; old blobs always have four."""
    shape = tuple(blob.shape.dim) or (blob.num, blob.channels, blob.height, blob.width)
    content, dtype = (blob.data, "<f4") if blob.data else (blob.double_data, "<f8")
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if min(shape) < 1 or len(content) != expected:
        raise UserError(
            f"{source} is corrupt: {name} with shape {shape} must have {expected} bytes, got "
            f"{len(content)}"
        )
    dimensions = 1 if name.endswith(".bias") else 4 if name.startswith("conv") else 2
    canonical = (1,) * (dimensions - len(shape)) + shape[max(len(shape) - dimensions, 0) :]
    if math.prod(canonical) != math.prod(shape):
        raise UserError(
            f"{source}: {name} must have {pluralize(dimensions, 'dimension')}, got shape {shape}"
        )
    return np.frombuffer(content, dtype).reshape(canonical).astype(np.float32)


def _text(value: bytes | int) -> str:
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return printable(text)


@functools.cache
def _message() -> Any:
    """Return the message class of `NetParameter`, with the fields above."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    types = descriptor_pb2.FieldDescriptorProto
    scalars = {"int32": types.TYPE_INT32, "int64": types.TYPE_INT64, "bytes": types.TYPE_BYTES}
    file = descriptor_pb2.FileDescriptorProto(
        name="alexnet/caffe.proto", package="alexnet.caffe", syntax="proto2"
    )
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            *repeated, kind = kind.split()
            field = described.field.add(name=name, number=number)
            field.label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
            if kind in scalars:
                field.type = scalars[kind]
            else:
                field.type, field.type_name = types.TYPE_MESSAGE, f".alexnet.caffe.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("alexnet.caffe.Net"))
