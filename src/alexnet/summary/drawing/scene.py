"""A drawing as data: polygons, lines and texts in points, y downwards."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Anchor: TypeAlias = Literal["start", "middle", "end"]


class Point(NamedTuple):
    """A place on the page, in points from its upper left corner."""

    x: float
    y: float


class Box(NamedTuple):
    """An upright rectangle on the page."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Whether they have more than an edge in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def grown(self, by: float) -> "Box":
        """The same with a margin all around."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)


@dataclass(frozen=True, kw_only=True)
class Polygon:
    """A face: filled, with an edge all around."""

    points: tuple[Point, ...]
    fill: str
    edge: str
    width: float
    opacity: float = 1.0
    """Of the filling; the edge is opaque."""
    part: str
    """Name of the layer that it belongs to."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A straight line."""

    start: Point
    end: Point
    color: str
    width: float
    dashes: tuple[float, float] | None = None
    """Lengths of a dash and of the gap behind it."""
    part: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """One line of text; `at` is on its base line, at the start, the middle or the end."""

    at: Point
    text: str
    size: float
    bold: bool = False
    anchor: Anchor = "middle"
    color: str = "#1a1a1a"
    part: str


Item: TypeAlias = Polygon | Line | Text


@dataclass(kw_only=True)
class Scene:
    """All items of a drawing, those that lie behind first."""

    title: str
    description: str
    items: list[Item] = field(default_factory=list)
