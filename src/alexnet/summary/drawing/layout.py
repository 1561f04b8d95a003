"""Place the boxes from left to right, each with room for its texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.solids import Solid, bar, volume
from alexnet.summary.drawing.stages import Stage

NUMBER, NAME, NOTE = 9.5, 10.0, 8.5
"""Font sizes in points of sizes and channels, layer names, and the notes below them."""
CLEARANCE = 3.0
"""Between a number and the edge it belongs to."""

_BETWEEN_TEXTS = 9.0
_BETWEEN_SOLIDS = 30.0
"""The minimum visible length of the lines between two layers."""
_BETWEEN_DENSE = 34.0
_BETWEEN_COLUMNS = 16.0


@dataclass(frozen=True, kw_only=True)
class PlacedStage:
    """A stage with its boxes, one per column from top to bottom."""

    stage: Stage
    solids: tuple[Solid, ...]

    @property
    def center(self) -> float:
        """The horizontal center of its name and notes."""
        outline = self.solids[0].outline
        return (outline.left + outline.right) / 2


def place_stages(stages: Sequence[Stage]) -> tuple[PlacedStage, ...]:
    """Place all stages; columns are stacked vertically around y = 0."""
    solids = [_solid(stage) for stage in stages]
    tallest = max(
        (
            solid.outline.bottom - solid.outline.top
            for stage, solid in zip(stages, solids, strict=True)
            if stage.columns > 1
        ),
        default=0.0,
    )
    placed: list[PlacedStage] = []
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
        placed.append(
            PlacedStage(stage=stage, solids=tuple(replace(solid, x=x, y=y) for y in rows))
        )
    return tuple(placed)


def _solid(stage: Stage) -> Solid:
    if stage.size_px is None:
        return bar(stage.channels)
    return volume(stage.size_px, stage.channels)


def _text_extent(stage: Stage, solid: Solid) -> tuple[float, float]:
    """Return the left and right extent of the box at x = 0 with all its texts."""
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
    else:  # its number may be aligned with either side
        left, right = min(left, outline.right - channels), max(right, channels)
    return min(left, outline.left), max(right, outline.right)


def both_sides(size: str) -> str:
    """Format the size of a feature map.

    >>> both_sides("13")
    '13 × 13'
    """
    return f"{size} × {size}"
