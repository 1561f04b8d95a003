"""Read Keras' files without Keras: `.weights.h5` and `.keras` of Keras 3, `.h5` of Keras 2."""

import io
import json
import mmap
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alexnet.errors import UserError
from alexnet.sorting import natural_key
from alexnet.text import format_bytes, printable
from alexnet.weights.hdf5 import check_heaps, groups, member, values
from alexnet.weights.keras_layout import VARIABLES, from_keras
from alexnet.weights.layer_matching import FileLayer, check_layer_order, match_layers

if TYPE_CHECKING:
    import h5py

WEIGHTS_MEMBER = "model.weights.h5"

_NOT_LAYERS = re.compile(r"optimizer|seed_generator|metrics?|loss(_tracker)?|compile_.*")
"""Components of paths under which Keras stores the state of training."""
_LARGEST_CONFIG_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """A group of variables, of a kind not yet determined."""

    path: str
    name: str
    variables: Sequence[Any]


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    """Read arrays by canonical name from a `.weights.h5` of Keras 3 or an `.h5` of Keras 2.

    Raises:
        UserError: The file is corrupt, unsafe or not an AlexNet.
    """
    import h5py

    try:
        with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
            check_heaps(content, str(path))
        with h5py.File(path, "r") as file:
            return _arrays(file, path.stat().st_size, {}, str(path))
    except UserError:
        raise
    except Exception as error:  # corrupt files make the library raise errors of any type
        raise UserError(
            f"{path} is not a valid HDF5 file, or is truncated; save or download it again"
        ) from error


def read_archive(path: Path) -> dict[str, np.ndarray]:
    """Read arrays by canonical name from a `.keras` file, without building the model.

    Raises:
        UserError: The file is corrupt, unsafe or not an AlexNet.
    """
    import h5py

    try:
        with zipfile.ZipFile(path) as archive:
            config = _extract(archive, "config.json", _LARGEST_CONFIG_BYTES, path)
            # Weights barely compress: a member much larger than the file is a zip bomb.
            largest = 64 * path.stat().st_size
            content = _extract(archive, WEIGHTS_MEMBER, largest, path)
        check_heaps(content, str(path))
        order = dict(_order(json.loads(config)))
        with h5py.File(io.BytesIO(content), "r") as file:
            return _arrays(file, len(content), order, str(path))
    except UserError:
        raise
    except Exception as error:  # as in read_hdf5
        raise UserError(
            f"{path} is not a valid .keras file, or is truncated; save or download it again"
        ) from error


def is_archive(path: Path) -> bool:
    """Return whether a zip file is Keras' rather than PyTorch's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return WEIGHTS_MEMBER in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return path.suffix == ".keras"


def _extract(archive: zipfile.ZipFile, name: str, largest: int, path: Path) -> bytes:
    """Return the content of a member; its name never becomes a path."""
    info = archive.getinfo(name)
    if info.file_size > largest:
        raise UserError(f"refused to load {path}: {name} claims {format_bytes(info.file_size)}")
    return archive.read(info)


def _arrays(
    file: "h5py.File", file_bytes: int, order: Mapping[str, str], source: str
) -> dict[str, np.ndarray]:
    """Read the arrays of an open file.

    Args:
        order: The name of each layer by the path of its group, in the order of the layers.
    """
    keras2 = member(file, "model_weights", source) or file
    if "layer_names" in keras2.attrs:
        layers, in_order = list(_keras2_layers(keras2, source)), True
    else:
        layers = list(_keras3_layers(file, order, source))
        in_order = bool(order) and all(layer.path in order for layer in layers)
        positions = {path: position for position, path in enumerate(order)}
        layers.sort(key=(lambda layer: positions[layer.path]) if in_order else _sort_key(layers))
    file_layers = [
        FileLayer(name=layer.name, kind=_kind(layer, source), arrays=layer.variables)
        for layer in layers
    ]
    named = match_layers(file_layers, source, in_order=in_order)
    channels = int(named["conv5"].arrays[0].shape[-1])
    arrays = {}
    for name, layer in named.items():
        for kind, variable in zip(VARIABLES[layer.kind], layer.arrays, strict=False):
            key = f"{name}.{kind}"
            array = values(variable, file_bytes, source)
            try:
                arrays[key] = from_keras(key, array, channels)
            except UserError as error:
                raise UserError(f"{source}: {error}") from error
    check_layer_order(arrays, source)
    return arrays


def _keras3_layers(file: "h5py.File", order: Mapping[str, str], source: str) -> Iterator[_Layer]:
    """Yield each group `vars` with its datasets `0`, `1` …; its attribute `name` is the layer's."""
    for path, group in groups(file, source):
        *parts, last = path.split("/")
        if last != "vars" or not len(group) or any(map(_NOT_LAYERS.fullmatch, parts)):
            continue
        where = "/".join(parts)
        name = group.attrs.get("name", order.get(where, parts[-1] if parts else where))
        variables = [member(group, key, source) for key in sorted(group, key=natural_key)]
        yield _Layer(path=where, name=_text(name), variables=variables)


def _keras2_layers(file: "h5py.Group", source: str) -> Iterator[_Layer]:
    """Yield the layers that the file lists; a nested model is listed as one layer."""
    for name in map(_text, file.attrs["layer_names"]):
        group = member(file, name, source)
        variables: dict[str, list[Any]] = {}
        for path in map(_text, group.attrs["weight_names"]):
            dataset = member(group, path, source)
            variables.setdefault(path.rpartition("/")[0], []).append(dataset)
        for path, arrays in variables.items():
            own_name = path.rpartition("/")[2] if len(variables) > 1 else name
            yield _Layer(path=path, name=own_name, variables=arrays)


def _order(config: Any, path: str = "layers") -> Iterator[tuple[str, str]]:
    """Yield the path of each layer's group and the layer's name, from a model's configuration.

    Keras addresses a layer by its class and a counter of the layers of this class.
    """
    settings = config.get("config") if isinstance(config, dict) else None
    layers = settings.get("layers") if isinstance(settings, dict) else None
    counts: Counter[str] = Counter()
    for layer in layers if isinstance(layers, list) else ():
        kind = snake_case(str(layer["class_name"]))
        where = f"{path}/{kind}_{counts[kind]}" if counts[kind] else f"{path}/{kind}"
        counts[kind] += 1
        yield where, str(layer["config"]["name"])
        yield from _order(layer, f"{where}/layers")


def snake_case(name: str) -> str:
    """Return the name of a class in the form that Keras uses in paths.

    >>> snake_case("MaxPooling2D"), snake_case("Conv2D")
    ('max_pooling2d', 'conv2d')
    """
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _sort_key(layers: Sequence[_Layer]) -> Callable[[_Layer], Any]:
    """Return the best key for an order that the file does not state.

    The members of a container are numbered in its order. Attributes have no order, but the names
    that Keras generates number the layers in the order of their creation.
    """
    weighted = [layer for layer in layers if layer.variables[0].ndim > 1]
    parents = {layer.path.rpartition("/")[0] for layer in weighted}
    stems = {re.sub(r"_\d+$", "", layer.name) for layer in weighted}
    is_contained = all(parent.rpartition("/")[2] == "layers" for parent in parents)
    if is_contained or not stems <= {"conv2d", "dense"}:
        return lambda layer: natural_key(layer.path)
    return lambda layer: natural_key(layer.name)


def _kind(layer: _Layer, source: str) -> str:
    import h5py

    if not all(isinstance(variable, h5py.Dataset) for variable in layer.variables):
        raise UserError(f"{source}: expected {printable(layer.name)} to contain only arrays")
    dimensions = [variable.ndim for variable in layer.variables]
    if dimensions[:1] == [4]:
        return "conv"
    if dimensions[:1] == [2]:
        return "fc"
    if dimensions == [1, 1, 1, 1]:
        return "norm"
    raise UserError(
        f"{source} is not an AlexNet: {printable(layer.name)} has arrays of {dimensions} "
        f"dimensions, expected those of a convolution, dense or batch norm layer"
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
