"""Where each box stands: from left to right, each with room for its own texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.plan import Stage
from alexnet.summary.drawing.solids import Solid, bar, volume

NUMBER, NAME, NOTE = 9.5, 10.0, 8.5
"""Sizes of the texts, in points: sizes and channels, names of layers, notes under them."""
CLEARANCE = 3.0
"""Between a number and what it measures."""

_BETWEEN_TEXTS = 9.0
_BETWEEN_SOLIDS = 30.0
"""So much of the lines between two layers is seen at least."""
_BETWEEN_DENSE = 34.0
_BETWEEN_COLUMNS = 16.0


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A stage with its boxes, one for each column from top to bottom."""

    stage: Stage
    solids: tuple[Solid, ...]

    @property
    def center(self) -> float:
        """Where its name and its notes are centered."""
        outline = self.solids[0].outline
        return (outline.left + outline.right) / 2


def layout(stages: Sequence[Stage]) -> tuple[Placed, ...]:
    """Place all stages; columns lie one above the other, around y = 0."""
    solids = [_solid(stage) for stage in stages]
    tallest = max(
        (
            solid.outline.bottom - solid.outline.top
            for stage, solid in zip(stages, solids, strict=True)
            if stage.columns > 1
        ),
        default=0.0,
    )
    placed: list[Placed] = []
    text_end, solid_end = 0.0, 0.0
    for stage, solid in zip(stages, solids, strict=True):
        left, right = _text_extent(stage, solid)
        gap = _BETWEEN_SOLIDS if stage.size_px is not None else _BETWEEN_DENSE
        x = max(text_end + _BETWEEN_TEXTS - left, solid_end + gap - solid.outline.left)
        text_end, solid_end = x + right, x + solid.outline.right
        rows = [
            (column - (stage.columns - 1) / 2) * (tallest + _BETWEEN_COLUMNS)
            for column in range(stage.columns)
        ]
        placed.append(Placed(stage=stage, solids=tuple(replace(solid, x=x, y=y) for y in rows)))
    return tuple(placed)


def _solid(stage: Stage) -> Solid:
    if stage.size_px is None:
        return bar(stage.channels)
    return volume(stage.size_px, stage.channels)


def _text_extent(stage: Stage, solid: Solid) -> tuple[float, float]:
    """How far the box at x = 0 and all its texts reach to the left and to the right."""
    outline = solid.outline
    center = (outline.left + outline.right) / 2
    captions = [fonts.width(stage.name, NAME, bold=True)]
    captions += [fonts.width(note, NOTE) for note in stage.notes]
    channels = fonts.width(str(stage.channels), NUMBER)
    middles = solid.at(0.5, 1, 0).x, solid.at(0.5, 0, 1).x
    left = min(center - max(captions) / 2, *(middle - channels / 2 for middle in middles))
    right = max(center + max(captions) / 2, *(middle + channels / 2 for middle in middles))
    if stage.size_px is not None:
        size = fonts.width(str(stage.size_px), NUMBER)
        both = fonts.width(both_sides(str(stage.size_px)), NUMBER)
        left = min(left, outline.left - size - CLEARANCE, solid.at(0, 1, 0.5).x - 1 - both)
    else:  # its number may stand flush with either side
        left, right = min(left, outline.right - channels), max(right, channels)
    return min(left, outline.left), max(right, outline.right)


def both_sides(size: str) -> str:
    """The size of a map in one text.

    >>> both_sides("13")
    '13 × 13'
    """
    return f"{size} × {size}"
