"""Whether weights fit a network; where they do not, what differs and which variants they are of."""

from collections.abc import Mapping
from typing import Any

from alexnet.errors import UserError
from alexnet.spec.architectures import CONVS, VARIANTS, Architecture, architecture
from alexnet.spec.layers import Flatten, Shape
from alexnet.spec.shapes import ShapeError
from alexnet.text import counted, printable
from alexnet.weights.names import Weights

HEAD = f"fc{CONVS + 3}"
"""The layer whose outputs are the classes."""

_HEAD_ARRAYS = {f"{HEAD}.weight", f"{HEAD}.bias"}
_FC6 = "fc6.weight"
_LARGEST_SEARCHED_PX = 1024


def check(weights: Weights, network: Architecture, *, remedy: str = "") -> None:
    """Raise UserError unless the arrays are those of the network; else return.

    The line names the variants whose shapes the arrays have, or else the first array that is
    missing, surplus or of another shape, and how many more are.

    Args:
        remedy: what to do, where that is not to choose another network.
    """
    what = f"architecture {network.variant!r} with {_classes(network.num_classes)}"
    check_shapes(weights, network.weight_shapes, what, remedy=remedy)


def check_shapes(
    weights: Weights, expected: Mapping[str, Shape], what: str, *, remedy: str = ""
) -> None:
    """As `check`, against shapes by name; `what` says whose they are."""
    shapes = _shapes(weights)
    faults = misfits(shapes, expected)
    if faults:
        reason, usual = _reason(shapes, expected, faults)
        raise UserError(f"the weights do not fit the {what}: {reason}; {remedy or usual}")


def check_body(weights: Weights, network: Architecture) -> None:
    """As `check`, whatever the last layer is: it can be made anew for other classes."""
    expected, shapes = _body(network.weight_shapes), _body(_shapes(weights))
    faults = misfits(shapes, expected)
    sizes = _other_images(faults, shapes, network)
    if sizes:
        raise UserError(_fc6_text(shapes, network, sizes))
    if faults:
        reason, remedy = _reason(shapes, expected, faults)
        raise UserError(
            f"the weights do not fit the architecture {network.variant!r}: {reason}; {remedy}"
        )


def misfits(shapes: Mapping[str, Shape], expected: Mapping[str, Shape]) -> list[str]:
    """Names of the arrays that are missing, surplus or of another shape."""
    return [name for name in {**expected, **shapes} if shapes.get(name) != expected.get(name)]


def only_variant(weights: Weights, changes: Mapping[str, Any], source: str) -> Architecture:
    """The one variant, with the changes, whose shapes the arrays have but for the last layer.

    Raises:
        UserError: there is none, or there are several; `source` is whose weights they are.
    """
    shapes, source = _shapes(weights), printable(source)
    faults = _faults_by_variant(shapes, changes)
    if not faults:
        raise UserError(f"{source} holds no AlexNet: it has no conv1.weight")
    fitting = [network for network, names in faults.items() if not names]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UserError(
            f"{source} fits {', '.join(n.variant for n in fitting)}, which differ in what no shape "
            f"shows (padding, LRN or the order of layers): say which by --variant"
        )
    nearest = min(faults, key=lambda network: len(faults[network]))
    sizes = _other_images(faults[nearest], shapes, nearest)
    if sizes:
        raise UserError(
            f"{source} is of {nearest.variant} or one like it, for other images: "
            f"{_fc6_text(shapes, nearest, sizes)}, and say --variant"
        )
    differing = faults[nearest]
    raise UserError(
        f"{source} fits no variant; {nearest.variant} is the nearest and differs in "
        f"{', '.join(map(printable, differing[:3]))}{', …' if len(differing) > 3 else ''}: "
        f"describe its network by --variant and --set"
    )


def fitting_sizes(network: Architecture, values: int) -> str:
    """The image sizes, in pixels, of which the layers before fc6 make so many values; or none.

    >>> fitting_sizes(architecture("half"), 128 * 6 * 6)
    '223 to 254'
    """
    shapes = ((network.in_channels, size, size) for size in range(1, _LARGEST_SEARCHED_PX + 1))
    fitting = [shape[1] for shape in shapes if _flat(network, shape) == values]
    if not fitting:
        return ""
    if fitting[-1] == _LARGEST_SEARCHED_PX:
        return f"{fitting[0]} or more"
    return f"{fitting[0]} to {fitting[-1]}"


def _reason(
    shapes: Mapping[str, Shape], expected: Mapping[str, Shape], faults: list[str]
) -> tuple[str, str]:
    """Why the arrays do not fit, in a few words, and what to do."""
    classes = _classes_of(shapes)
    theirs, own = _of_variants(shapes), _nearest_variants(expected)
    if theirs and own.isdisjoint(theirs):
        names, size = list(theirs), next(iter(theirs.values()))
        reason = f"their shapes are those of {', '.join(names)}"
        reason += f" with {_classes(classes)}" if classes else ""
        reason += f" for images of {size} pixels" if size else ""
        choice = f"choose the variant {' or '.join(names)}"
        return reason, f"{choice} and an image_size of {size}" if size else choice
    reason = _fault(faults[0], shapes, expected)
    if classes and set(faults) == _HEAD_ARRAYS & shapes.keys() & expected.keys():
        return reason, f"make the network for them, with num_classes={classes}"
    if faults == [_FC6] and any(theirs.values()):
        size = next(iter(theirs.values()))
        return reason, f"make the network for images of {size} pixels, by its image_size"
    if len(faults) > 1:
        others = counted(len(faults) - 1, "more array")
        reason += f", and {others} {'does' if len(faults) == 2 else 'do'} not fit"
    return reason, "describe the network that they are of by its variant and fields"


def _fault(name: str, shapes: Mapping[str, Shape], expected: Mapping[str, Shape]) -> str:
    if name not in shapes:
        return f"missing {name}"
    if name not in expected:
        return f"surplus {printable(name)}"
    return f"{name} is {shapes[name]} and not {expected[name]}"


def _of_variants(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """The variants whose shapes these are, but for the last layer.

    With the image sizes that they are for, where these are not the variant's own.
    """
    faults = _faults_by_variant(shapes, {})
    exact = {network.variant: "" for network, names in faults.items() if not names}
    if exact:
        return exact
    sizes = {n.variant: _other_images(names, shapes, n) for n, names in faults.items()}
    return {variant: text for variant, text in sizes.items() if text}


def _nearest_variants(shapes: Mapping[str, Shape]) -> set[str]:
    """The variants that a network with these shapes differs least from."""
    faults = _faults_by_variant(shapes, {})
    least = min(map(len, faults.values()), default=0)
    return {network.variant for network, names in faults.items() if len(names) == least}


def _faults_by_variant(
    shapes: Mapping[str, Shape], changes: Mapping[str, Any]
) -> dict[Architecture, list[str]]:
    """Of each variant with the changes, what does not fit; empty without a first convolution."""
    first = shapes.get("conv1.weight", ())
    if len(first) != 4 or min(first) < 1:
        return {}
    channels = {"in_channels": first[1], **changes}
    networks = [_with_changes(variant, channels) for variant in VARIANTS]
    return {n: misfits(_body(shapes), _body(n.weight_shapes)) for n in networks}


def _with_changes(variant: str, changes: dict[str, Any]) -> Architecture:
    """The variant with the changes; of an image too small for it the size is left out, since
    the weights of another variant may be meant."""
    try:
        return architecture(variant, **changes)
    except ShapeError:
        return architecture(variant, **{n: v for n, v in changes.items() if n != "image_size"})


def _other_images(faults: list[str], shapes: Mapping[str, Shape], network: Architecture) -> str:
    """The image sizes that the arrays are for, where nothing else is between them and a fit."""
    if faults != [_FC6] or len(shapes.get(_FC6, ())) != 2:
        return ""
    units, values = shapes[_FC6]
    return fitting_sizes(network, values) if units == network.hidden[0] else ""


def _fc6_text(shapes: Mapping[str, Shape], network: Architecture, sizes: str) -> str:
    values, expected = shapes[_FC6][1], network.weight_shapes[_FC6][1]
    return (
        f"fc6 takes {values} values, and {network.variant} makes {expected} of an image of "
        f"{network.image_size} pixels; use --image-size {sizes}"
    )


def _flat(network: Architecture, shape: Shape) -> int:
    """Values that go into fc6; 0 where nothing is left of the image on the way."""
    for layer in network.layers:
        shape = layer.output_shape(shape)
        if min(shape) < 1:
            return 0
        if isinstance(layer, Flatten):
            break
    return shape[0]


def _shapes(weights: Weights) -> dict[str, Shape]:
    return {name: tuple(array.shape) for name, array in weights.items()}


def _body(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """All but the last layer's."""
    return {name: shape for name, shape in shapes.items() if name not in _HEAD_ARRAYS}


def _classes_of(shapes: Mapping[str, Shape]) -> int:
    """Outputs of the last layer; 0 where it is not there."""
    bias = shapes.get(f"{HEAD}.bias", ())
    return bias[0] if len(bias) == 1 else 0


def _classes(count: int) -> str:
    return counted(count, "class", "classes")
