"""A drawing as data: polygons, lines and texts; coordinates in points, y downwards."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Anchor: TypeAlias = Literal["start", "middle", "end"]


class Point(NamedTuple):
    """A position on the page, in points from its upper left corner."""

    x: float
    y: float


class Box(NamedTuple):
    """An axis-aligned rectangle on the page."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Return whether the boxes overlap in more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def expanded(self, margin: float) -> "Box":
        """Return the box with a margin on all sides."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)


@dataclass(frozen=True, kw_only=True)
class Polygon:
    """A filled polygon with an outline."""

    points: tuple[Point, ...]
    fill: str
    edge: str
    width: float
    opacity: float = 1.0
    """Of the fill; the edge is opaque."""
    part: str
    """The name of the layer."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A straight line."""

    start: Point
    end: Point
    color: str
    width: float
    dashes: tuple[float, float] | None = None
    """Lengths of a dash and of the gap after it."""
    part: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """One line of text; `at` is the start, middle or end of its baseline, depending on `anchor`."""

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
    """All items of a drawing, in drawing order (background first)."""

    title: str
    description: str
    items: list[Item] = field(default_factory=list)
