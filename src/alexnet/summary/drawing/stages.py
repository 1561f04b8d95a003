"""The stages of a drawing: input, feature maps and dense layers, with their notes."""

from collections.abc import Sequence
from dataclasses import dataclass

from alexnet.settings import as_text
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import LRN, AdaptivePool, BatchNorm, Conv, Dense, Dropout, MaxPool
from alexnet.spec.shapes import Step

_MAX_COLUMNS = 4
"""More groups are a note instead of columns."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A feature map or dense layer, drawn as one box per column."""

    name: str
    channels: int
    """Channels, or units of a dense layer, per column."""
    size_px: int | None
    """Width of the feature map; None for a dense layer."""
    columns: int = 1
    sources: tuple[tuple[int, ...], ...] = ()
    """For each column, its input columns in the stage before."""
    kernel_scale: float = 0.0
    """Width of the kernel relative to its input map, at max_groups 1; 0 without a kernel."""
    slabs: tuple[tuple[int, int], ...] = ()
    """For each column, `(i, n)`: its kernels cover the i-th of n equal parts of each source."""
    notes: tuple[str, ...] = ()


def plan_stages(architecture: Architecture) -> tuple[Stage, ...]:
    """Return the stages in order: the image, the five convolutions, the dense layers."""
    columns = _count_columns(architecture)
    trace = architecture.trace()
    starts = [i for i, step in enumerate(trace) if isinstance(step.layer, Conv | Dense)]
    channels, size = architecture.input_shape[:2]
    stages = [Stage(name="input", channels=channels, size_px=size)]
    for start, end in zip(starts, [*starts[1:], len(trace)], strict=True):
        followers = trace[start + 1 : end]
        step, before = trace[start], stages[-1].columns
        if isinstance(step.layer, Conv):
            stages.append(_conv(step, step.layer, columns, before, followers))
        elif isinstance(step.layer, Dense):
            parts = 1 if end == len(trace) else columns
            stages.append(_dense(step.layer, parts, before, followers))
    return tuple(stages)


def _count_columns(architecture: Architecture) -> int:
    """Return the number of columns: the largest number of groups if it can be drawn, else 1."""
    max_groups = max(architecture.groups)
    is_even = all(max_groups % groups == 0 for groups in architecture.groups)
    is_even = is_even and all(width % max_groups == 0 for width in architecture.widths)
    return max_groups if max_groups <= _MAX_COLUMNS and is_even else 1


def _conv(step: Step, layer: Conv, columns: int, before: int, followers: Sequence[Step]) -> Stage:
    group = [column * layer.groups // columns for column in range(columns)]
    if before == 1:
        sources: tuple[tuple[int, ...], ...] = ((0,),) * columns
        slabs = tuple((number, layer.groups) for number in group)
    else:
        sources = tuple(
            tuple(source for source in range(before) if group[source] == group[column])
            for column in range(columns)
        )
        slabs = ((0, 1),) * columns
    notes = [f"{layer.kernel} × {layer.kernel} kernels"]
    if layer.stride > 1:
        notes.append(f"Stride of {layer.stride}")
    if layer.groups > 1 and columns == 1:
        notes.append(f"{layer.groups} groups")
    return Stage(
        name=layer.name,
        channels=layer.channels // columns,
        size_px=step.output_shape[-1],
        columns=columns,
        sources=sources,
        slabs=slabs,
        kernel_scale=min(1.0, layer.kernel / step.input_shape[-1]),
        notes=(*notes, *_notes(followers)),
    )


def _dense(layer: Dense, columns: int, before: int, followers: Sequence[Step]) -> Stage:
    columns = columns if layer.units % columns == 0 else 1
    return Stage(
        name=layer.name,
        channels=layer.units // columns,
        size_px=None,
        columns=columns,
        sources=(tuple(range(before)),) * columns,
        notes=("dense", *_notes(followers)),
    )


def _notes(steps: Sequence[Step]) -> list[str]:
    """Return the notes for the layers between this stage and the next."""
    return [note for step in steps for note in _note(step)]


def _note(step: Step) -> list[str]:
    layer, size = step.layer, step.output_shape[-1]
    match layer:
        case LRN():
            return ["LRN"]
        case BatchNorm():
            return ["Batch norm"]
        case MaxPool():
            return ["Max pooling", f"to {size} × {size}"]
        case AdaptivePool() if step.input_shape != step.output_shape:
            return ["Average pooling", f"to {size} × {size}"]
        case Dropout():
            return [f"Dropout {as_text(layer.rate)}"]
    return []
