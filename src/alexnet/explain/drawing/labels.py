"""Texts in free places: beside what they name, and on no line and no other text."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from alexnet.explain.drawing import fonts
from alexnet.explain.drawing.layout import CLEARANCE, NAME, NOTE, NUMBER, Placed
from alexnet.explain.drawing.scene import Anchor, Box, Item, Line, Point, Polygon, Text
from alexnet.explain.drawing.solids import Solid

_MARGIN = 1.6
_DOWN, _UP = Point(0, 1.5), Point(0, -1.5)
"""So far a text moves on that is in the way of something."""
_MOST_STEPS = 400
_LEADING = 1.22
_ASCENT = 0.70
_ABOVE_CAPTIONS = 13.0
_GREY = "#555555"


class Labels:
    """Places texts one after the other, each in the first place that is free."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.texts: list[Text] = []
        self._edges = [edge for item in items for edge in _edges(item)]

    def add(self, texts: Sequence[Text], moves: Sequence[Point]) -> None:
        """Put the first of the texts that is free, or move on until one of them is.

        Args:
            texts: the same text in the places that suit it, the best first.
            moves: the ways to go on, in turn.
        """
        for step, text, move in itertools.product(range(_MOST_STEPS), texts, moves):
            at = Point(text.at.x + step * move.x, text.at.y + step * move.y)
            moved = replace(text, at=at)
            if self._is_free(fonts.box(moved).grown(_MARGIN)):
                self.texts.append(moved)
                return
        self.texts.append(texts[0])

    def _is_free(self, box: Box) -> bool:
        if any(box.overlaps(fonts.box(text)) for text in self.texts):
            return False
        return not any(crosses(box, start, end) for start, end in self._edges)


def label(placed: Sequence[Placed], items: Sequence[Item]) -> list[Text]:
    """All texts of the drawing: numbers beside the boxes, names and notes in rows below them."""
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


def _number_channels(labels: Labels, one: Placed, solid: Solid, column: int) -> None:
    """Below the box; above it in the upper column. Between two columns lines cross."""
    stage = one.stage
    if 0 < column < stage.columns - 1:
        return
    down = stage.columns == 1 or column > 0
    y = CLEARANCE + _ASCENT * NUMBER if down else -CLEARANCE

    def text(along: float, anchor: Anchor) -> Text:
        edge = solid.at(along, 1, 0) if down else solid.at(along, 0, 1)
        at = Point(edge.x, edge.y + y)
        return Text(at=at, text=str(stage.channels), size=NUMBER, anchor=anchor, part=stage.name)

    # Beside a bar lines may come in from one side alone.
    texts = [text(0.5, "middle"), text(0, "start"), text(1, "end")]
    is_bar = stage.size_px is None
    labels.add(texts if is_bar else texts[:1], [_DOWN if down else _UP])


def _number_sides(labels: Labels, one: Placed) -> None:
    """The size of the map along its depth and along its height, at the lowest box."""
    stage, solid = one.stage, one.solids[-1]

    def text(x: float, y: float) -> Text:
        at = Point(x, y)
        return Text(at=at, text=str(stage.size_px), size=NUMBER, anchor="end", part=stage.name)

    diagonal, upright = solid.at(0, 1, 0.5), solid.at(0, 0.72, 1)
    labels.add([text(diagonal.x - 1, diagonal.y + _ASCENT * NUMBER + CLEARANCE / 2)], [_DOWN])
    labels.add([text(upright.x - CLEARANCE, upright.y + _ASCENT * NUMBER / 2)], [_DOWN, _UP])


def _caption(one: Placed, y: float) -> list[Text]:
    stage = one.stage
    texts = [Text(at=Point(one.centre, y), text=stage.name, size=NAME, bold=True, part=stage.name)]
    for line, note in enumerate(stage.notes, start=1):
        at = Point(one.centre, y + 2 + line * NOTE * _LEADING)
        texts.append(Text(at=at, text=note, size=NOTE, colour=_GREY, part=stage.name))
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
    """Whether a straight line has a part inside of the box.

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
