"""Place the texts beside what they describe, without overlaps with lines or other texts."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.layout import CLEARANCE, NAME, NOTE, NUMBER, PlacedStage, both_sides
from alexnet.summary.drawing.scene import Anchor, Box, Item, Line, Point, Polygon, Text
from alexnet.summary.drawing.solids import Solid

_MARGIN, _BETWEEN_TEXTS = 1.6, 3.5
"""Free space around a text, to lines and to other texts: numbers must not run together."""
_DOWN, _UP = Point(0, 1.5), Point(0, -1.5)
"""The step by which a text moves away from an obstacle."""
_MAX_STEPS, _NEAR_STEPS = 400, 16
_LEADING = 1.22
_ASCENT = 0.70
_ABOVE_CAPTIONS = 13.0
_GRAY = "#555555"


class Labels:
    """Places texts one by one, each at the first free position."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.texts: list[Text] = []
        self._edges = [edge for item in items for edge in _edges(item)]

    def add(self, texts: Sequence[Text], moves: Sequence[Point], steps: int = _MAX_STEPS) -> bool:
        """Add the first text at a free position, moving the texts until one is free.

        Args:
            texts: the same text at its preferred positions, the best first.
            moves: the directions in which to move, in turn.
            steps: the maximum number of moves.

        Returns:
            Whether a free position exists within that many moves.
        """
        for step, text, move in itertools.product(range(steps), texts, moves):
            at = Point(text.at.x + step * move.x, text.at.y + step * move.y)
            moved = replace(text, at=at)
            if self._is_free(fonts.box(moved)):
                self.texts.append(moved)
                return True
        return False

    def _is_free(self, box: Box) -> bool:
        around = box.expanded(_BETWEEN_TEXTS)
        if any(around.overlaps(fonts.box(text)) for text in self.texts):
            return False
        return not any(crosses(box.expanded(_MARGIN), start, end) for start, end in self._edges)


def place_labels(placed: Sequence[PlacedStage], items: Sequence[Item]) -> list[Text]:
    """Return all texts: numbers beside the boxes, names and notes in rows below them."""
    labels = Labels(items)
    for one in placed:
        for column, solid in enumerate(one.solids):
            _number_channels(labels, one, solid, column)
        if one.stage.size_px is not None:
            _number_sides(labels, one)
    points = [point for item in items for point in _points(item)]
    lowest = max(point.y for point in points)
    lowest = max([lowest, *(fonts.box(text).bottom for text in labels.texts)])
    for one in placed:
        labels.texts += _caption(one, lowest + _ABOVE_CAPTIONS)
    return labels.texts


def _number_channels(labels: Labels, one: PlacedStage, solid: Solid, column: int) -> None:
    """Below the box, or above it in the upper column; lines cross between two columns."""
    stage = one.stage
    if 0 < column < stage.columns - 1:
        return
    is_below = stage.columns == 1 or column > 0
    y = CLEARANCE + _ASCENT * NUMBER if is_below else -CLEARANCE

    def text(along: float, anchor: Anchor) -> Text:
        edge = solid.at(along, 1, 0) if is_below else solid.at(along, 0, 1)
        at = Point(edge.x, edge.y + y)
        return Text(at=at, text=str(stage.channels), size=NUMBER, anchor=anchor, part=stage.name)

    # Lines may reach a bar from one side only.
    texts = [text(0.5, "middle"), text(0, "start"), text(1, "end")]
    is_bar = stage.size_px is None
    labels.add(texts if is_bar else texts[:1], [_DOWN if is_below else _UP])


def _number_sides(labels: Labels, one: PlacedStage) -> None:
    """Label the depth and the height of the map at the lowest box.

    Where lines leave no space beside a small map, both are below it.
    """
    stage, solid, size = one.stage, one.solids[-1], str(one.stage.size_px)

    def text(content: str, x: float, y: float) -> Text:
        return Text(at=Point(x, y), text=content, size=NUMBER, anchor="end", part=stage.name)

    edge, side = solid.at(0, 1, 0.5), solid.at(0, 0.72, 1)
    below = Point(edge.x - 1, edge.y + _ASCENT * NUMBER + CLEARANCE / 2)
    beside = text(size, side.x - CLEARANCE, side.y + _ASCENT * NUMBER / 2)
    labels.add([text(size, *below)], [_DOWN])
    if not labels.add([beside], [_DOWN, _UP], steps=_NEAR_STEPS):
        labels.texts.pop()
        labels.add([text(both_sides(size), *below)], [_DOWN])


def _caption(one: PlacedStage, y: float) -> list[Text]:
    stage = one.stage
    texts = [Text(at=Point(one.center, y), text=stage.name, size=NAME, bold=True, part=stage.name)]
    for line, note in enumerate(stage.notes, start=1):
        at = Point(one.center, y + 2 + line * NOTE * _LEADING)
        texts.append(Text(at=at, text=note, size=NOTE, color=_GRAY, part=stage.name))
    return texts


def _points(item: Item) -> tuple[Point, ...]:
    match item:
        case Polygon():
            return item.points
        case Line():
            return item.start, item.end
    return ()


def _edges(item: Item) -> list[tuple[Point, Point]]:
    points = _points(item)
    if isinstance(item, Polygon):
        return list(zip(points, (*points[1:], points[0]), strict=True))
    return [(points[0], points[1])] if points else []


def crosses(box: Box, start: Point, end: Point) -> bool:
    """Return whether a line segment passes through the inside of the box.

    >>> crosses(Box(0, 0, 2, 2), Point(-1, 1), Point(3, 1))
    True
    >>> crosses(Box(0, 0, 2, 2), Point(-1, 1), Point(1, 4))
    False
    """
    first, last = 0.0, 1.0
    for begin, finish, low, high in (
        (start.x, end.x, box.left, box.right),
        (start.y, end.y, box.top, box.bottom),
    ):
        if begin == finish:
            if not low < begin < high:
                return False
            continue
        enter, leave = sorted(((low - begin) / (finish - begin), (high - begin) / (finish - begin)))
        first, last = max(first, enter), min(last, leave)
    return first < last
