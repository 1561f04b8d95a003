"""From a scene to a page: everything moved so that it begins at the margin."""

from dataclasses import replace

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.scene import Item, Line, Point, Polygon, Scene, Text

_MARGIN = 8.0


def paged(scene: Scene) -> tuple[Scene, float, float]:
    """The scene moved to (0, 0), and the width and height of the page around it, points."""
    places = [place for item in scene.items for place in _extent(item)]
    left, top = min(p.x for p in places) - _MARGIN, min(p.y for p in places) - _MARGIN
    width = max(p.x for p in places) + _MARGIN - left
    height = max(p.y for p in places) + _MARGIN - top
    items = [_moved(item, -left, -top) for item in scene.items]
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


def _moved(item: Item, x: float, y: float) -> Item:
    def moved(point: Point) -> Point:
        return Point(point.x + x, point.y + y)

    match item:
        case Polygon():
            return replace(item, points=tuple(map(moved, item.points)))
        case Line():
            return replace(item, start=moved(item.start), end=moved(item.end))
        case Text():
            return replace(item, at=moved(item.at))
