"""Translate a scene so that it starts at the margin of its page."""

from dataclasses import replace

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.scene import Item, Line, Point, Polygon, Scene, Text

_MARGIN = 8.0


def fit_page(scene: Scene) -> tuple[Scene, float, float]:
    """Return the scene moved to (0, 0), and the width and height of its page in points."""
    points = [point for item in scene.items for point in _extent(item)]
    left, top = min(p.x for p in points) - _MARGIN, min(p.y for p in points) - _MARGIN
    width = max(p.x for p in points) + _MARGIN - left
    height = max(p.y for p in points) + _MARGIN - top
    items = [_translate(item, -left, -top) for item in scene.items]
    return Scene(title=scene.title, description=scene.description, items=items), width, height


def _extent(item: Item) -> tuple[Point, ...]:
    match item:
        case Polygon():
            return item.points
        case Line():
            return item.start, item.end
        case Text():
            box = fonts.box(item)
            return Point(box.left, box.top), Point(box.right, box.bottom)


def _translate(item: Item, x: float, y: float) -> Item:
    def moved(point: Point) -> Point:
        return Point(point.x + x, point.y + y)

    match item:
        case Polygon():
            return replace(item, points=tuple(map(moved, item.points)))
        case Line():
            return replace(item, start=moved(item.start), end=moved(item.end))
        case Text():
            return replace(item, at=moved(item.at))
