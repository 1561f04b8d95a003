"""Check weights against an architecture, and infer the variant that weights belong to."""

from collections.abc import Mapping
from typing import Any

from alexnet.errors import UserError
from alexnet.spec.architectures import CONVS, Architecture
from alexnet.spec.catalog import VARIANTS, architecture
from alexnet.spec.layers import Flatten, Shape
from alexnet.spec.shapes import ShapeError
from alexnet.text import pluralize, printable
from alexnet.weights.names import Weights

HEAD = f"fc{CONVS + 3}"
"""The classification layer."""

_HEAD_ARRAYS = {f"{HEAD}.weight", f"{HEAD}.bias"}
_FC6 = "fc6.weight"
_LARGEST_SEARCHED_PX = 1024


def check(weights: Weights, network: Architecture, *, remedy: str = "") -> None:
    """Raise UserError unless the names and shapes of the arrays are those of the architecture.

    The message names the variants with these shapes; if there are none, the first array that is
    missing, unexpected or of the wrong shape, and the number of the others.

    Args:
        remedy: Advice that ends the message, in place of choosing another architecture.
    """
    target = f"architecture {network.variant!r} with {_classes(network.num_classes)}"
    check_shapes(weights, network.weight_shapes, target, remedy=remedy)


def check_shapes(
    weights: Weights, expected: Mapping[str, Shape], target: str, *, remedy: str = ""
) -> None:
    """Like `check`, against shapes by name; the message calls their owner `target`."""
    shapes = _shapes(weights)
    mismatched = _mismatched(shapes, expected)
    if mismatched:
        reason, default_remedy = _reason(shapes, expected, mismatched)
        raise UserError(
            f"the weights do not fit the {target}: {reason}; {remedy or default_remedy}"
        )


def check_backbone(weights: Weights, network: Architecture) -> None:
    """Like `check`, without the classification layer, which fine-tuning replaces."""
    expected, shapes = _backbone(network.weight_shapes), _backbone(_shapes(weights))
    mismatched = _mismatched(shapes, expected)
    sizes = _other_image_sizes(mismatched, shapes, network)
    if sizes:
        raise UserError(_fc6_text(shapes, network, sizes))
    if mismatched:
        reason, remedy = _reason(shapes, expected, mismatched)
        raise UserError(
            f"the weights do not fit the architecture {network.variant!r}: {reason}; {remedy}"
        )


def _mismatched(shapes: Mapping[str, Shape], expected: Mapping[str, Shape]) -> list[str]:
    """Return the names of the arrays that are missing, unexpected or of the wrong shape."""
    return [name for name in {**expected, **shapes} if shapes.get(name) != expected.get(name)]


def infer_variant(weights: Weights, changes: Mapping[str, Any], source: str) -> Architecture:
    """Return the only variant, with the changes applied, whose backbone has these shapes.

    Args:
        source: The path or name of the weights, for messages.

    Raises:
        UserError: No variant has these shapes, or several have.
    """
    shapes, source = _shapes(weights), printable(source)
    mismatched = _mismatched_by_variant(shapes, changes)
    if not mismatched:
        raise UserError(f"{source} is not an AlexNet: it has no conv1.weight")
    fitting = [network for network, names in mismatched.items() if not names]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UserError(
            f"{source} fits {', '.join(n.variant for n in fitting)}, which differ only in padding, "
            f"LRN or the order of layers, not in shapes: choose one with --variant"
        )
    nearest = min(mismatched, key=lambda network: len(mismatched[network]))
    differing = mismatched[nearest]
    sizes = _other_image_sizes(differing, shapes, nearest)
    if sizes:
        raise UserError(
            f"{source} fits {nearest.variant}, or a variant like it, with another image size: "
            f"{_fc6_text(shapes, nearest, sizes)} and set --variant"
        )
    raise UserError(
        f"{source} fits no variant; {nearest.variant} is the nearest and differs in "
        f"{', '.join(map(printable, differing[:3]))}{', …' if len(differing) > 3 else ''}: "
        f"describe the network with --variant and --set"
    )


def fitting_sizes(network: Architecture, values: int) -> str:
    """Return the image sizes, in pixels, at which fc6 has this many inputs; "" if none.

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
    shapes: Mapping[str, Shape], expected: Mapping[str, Shape], mismatched: list[str]
) -> tuple[str, str]:
    """Return the reason for the mismatch, and the remedy."""
    classes = _classes_of(shapes)
    sizes = _image_sizes_by_variant(shapes)
    if sizes and _nearest_variants(expected).isdisjoint(sizes):
        names, size = list(sizes), next(iter(sizes.values()))
        reason = f"their shapes are those of {', '.join(names)}"
        reason += f" with {_classes(classes)}" if classes else ""
        reason += f" for images of {size} pixels" if size else ""
        choice = f"choose the variant {' or '.join(names)}"
        return reason, f"{choice} and an image_size of {size}" if size else choice
    reason = _mismatch(mismatched[0], shapes, expected)
    if classes and set(mismatched) == _HEAD_ARRAYS & shapes.keys() & expected.keys():
        return reason, f"build the network with num_classes={classes}"
    if mismatched == [_FC6] and any(sizes.values()):
        return reason, f"build the network with an image_size of {next(iter(sizes.values()))}"
    if len(mismatched) > 1:
        others = pluralize(len(mismatched) - 1, "more array")
        reason += f", and {others} {'does' if len(mismatched) == 2 else 'do'} not fit"
    return reason, "use the variant and fields of the network that was trained"


def _mismatch(name: str, shapes: Mapping[str, Shape], expected: Mapping[str, Shape]) -> str:
    if name not in shapes:
        return f"missing {name}"
    if name not in expected:
        return f"unexpected {printable(name)}"
    return f"{name} has shape {shapes[name]}, expected {expected[name]}"


def _image_sizes_by_variant(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Return the variants whose backbone has these shapes, each with its image sizes.

    The sizes are "" where the variant's own image size fits.
    """
    mismatched = _mismatched_by_variant(shapes, {})
    exact = {network.variant: "" for network, names in mismatched.items() if not names}
    if exact:
        return exact
    sizes = {n.variant: _other_image_sizes(names, shapes, n) for n, names in mismatched.items()}
    return {variant: text for variant, text in sizes.items() if text}


def _nearest_variants(shapes: Mapping[str, Shape]) -> set[str]:
    """Return the variants with the fewest mismatches."""
    mismatched = _mismatched_by_variant(shapes, {})
    least = min(map(len, mismatched.values()), default=0)
    return {network.variant for network, names in mismatched.items() if len(names) == least}


def _mismatched_by_variant(
    shapes: Mapping[str, Shape], changes: Mapping[str, Any]
) -> dict[Architecture, list[str]]:
    """Compare with each variant, with the changes applied; empty without a valid conv1.weight."""
    first = shapes.get("conv1.weight", ())
    if len(first) != 4 or min(first) < 1:
        return {}
    channels = {"in_channels": first[1], **changes}
    networks = [_with_changes(variant, channels) for variant in VARIANTS]
    return {n: _mismatched(_backbone(shapes), _backbone(n.weight_shapes)) for n in networks}


def _with_changes(variant: str, changes: dict[str, Any]) -> Architecture:
    """Return the variant with the changes, less an image size that is too small for it.

    Another variant, for which the size is valid, may be the one that fits.
    """
    try:
        return architecture(variant, **changes)
    except ShapeError:
        return architecture(variant, **{n: v for n, v in changes.items() if n != "image_size"})


def _other_image_sizes(
    mismatched: list[str], shapes: Mapping[str, Shape], network: Architecture
) -> str:
    """Return the image sizes at which the arrays fit, if only the inputs of fc6 differ."""
    if mismatched != [_FC6] or len(shapes.get(_FC6, ())) != 2:
        return ""
    units, values = shapes[_FC6]
    return fitting_sizes(network, values) if units == network.hidden[0] else ""


def _fc6_text(shapes: Mapping[str, Shape], network: Architecture, sizes: str) -> str:
    values, expected = shapes[_FC6][1], network.weight_shapes[_FC6][1]
    return (
        f"fc6 takes {values} inputs, but {network.variant} produces {expected} from an image of "
        f"{network.image_size} pixels; use --image-size {sizes}"
    )


def _flat(network: Architecture, shape: Shape) -> int:
    """Return the number of inputs of fc6; 0 if the image is too small."""
    for layer in network.layers:
        shape = layer.output_shape(shape)
        if min(shape) < 1:
            return 0
        if isinstance(layer, Flatten):
            break
    return shape[0]


def _shapes(weights: Weights) -> dict[str, Shape]:
    return {name: tuple(array.shape) for name, array in weights.items()}


def _backbone(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes without those of the classification layer."""
    return {name: shape for name, shape in shapes.items() if name not in _HEAD_ARRAYS}


def _classes_of(shapes: Mapping[str, Shape]) -> int:
    """Return the number of outputs of the classification layer; 0 if it is missing."""
    bias = shapes.get(f"{HEAD}.bias", ())
    return bias[0] if len(bias) == 1 else 0


def _classes(count: int) -> str:
    return pluralize(count, "class", "classes")
