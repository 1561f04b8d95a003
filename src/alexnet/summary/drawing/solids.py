"""Boxes in perspective, and the size at which a layer is drawn.

Boxes recede to the upper left, so that their input side is visible. Sizes are drawn on a power
scale, height for pixels and thickness for channels: on a linear scale, 13 pixels beside 224 or 3
channels beside 384 would be too small to see.
"""

from dataclasses import dataclass

from alexnet.summary.drawing.scene import Box, Point

_RECEDE_X, _RECEDE_Y = 0.40, 0.20
"""Offset to the left and upwards per unit of depth."""
_SIDE_POWER, _ROOT = 0.4, 0.5
_SIDE, _SIDE_LIMITS = 16.5, (16.0, 230.0)
_THICKNESS, _THICKNESS_LIMITS = 2.0, (3.0, 72.0)
_LENGTH, _LENGTH_LIMITS = 1.7, (11.0, 190.0)
"""Points per pixel, channel and unit; and the minimum and maximum in points."""
_BAR_THICKNESS = 7.0


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A box; `x` is the left edge of its front face, `y` the middle of its left face."""

    x: float
    y: float
    thickness: float
    height: float
    depth: float

    def at(self, along: float, down: float, away: float) -> Point:
        """Return a point of the box for coordinates from 0 to 1: along, down and away."""
        x = self.x + along * self.thickness - away * self.depth * _RECEDE_X
        y = self.y + (down - 0.5) * self.height + (0.5 - away) * self.depth * _RECEDE_Y
        return Point(x, y)

    def part(
        self, center: tuple[float, float], scale: float, slab: tuple[int, int] = (0, 1)
    ) -> "Solid":
        """Return a smaller box inside, as close to `center` as it fits.

        Args:
            center: down and away, as in `at`.
            scale: height and depth relative to this box.
            slab: `(i, n)` for the i-th of n equal parts of the thickness.
        """
        down, away = (min(max(value, scale / 2), 1 - scale / 2) for value in center)
        index, count = slab
        middle = self.at(index / count, down, away)
        depth, height = self.depth * scale, self.height * scale
        return Solid(
            x=middle.x + depth * _RECEDE_X / 2,
            y=middle.y,
            thickness=self.thickness / count,
            height=height,
            depth=depth,
        )

    @property
    def left_face(self) -> tuple[Point, ...]:
        """The side of the input."""
        return (self.at(0, 0, 0), self.at(0, 0, 1), self.at(0, 1, 1), self.at(0, 1, 0))

    @property
    def top_face(self) -> tuple[Point, ...]:
        """The upper side."""
        return (self.at(0, 0, 0), self.at(1, 0, 0), self.at(1, 0, 1), self.at(0, 0, 1))

    @property
    def front_face(self) -> tuple[Point, ...]:
        """The side toward the viewer."""
        return (self.at(0, 0, 0), self.at(1, 0, 0), self.at(1, 1, 0), self.at(0, 1, 0))

    @property
    def outline(self) -> Box:
        """The bounding box."""
        far, near = self.at(0, 0, 1), self.at(1, 1, 0)
        return Box(far.x, far.y, near.x, near.y)


def volume(size_px: int, channels: int) -> Solid:
    """Return the box of a feature map, at the origin."""
    side = _scale(size_px**_SIDE_POWER, _SIDE, _SIDE_LIMITS)
    thickness = _scale(channels**_ROOT, _THICKNESS, _THICKNESS_LIMITS)
    return Solid(x=0, y=0, thickness=thickness, height=side, depth=side)


def bar(units: int) -> Solid:
    """Return the box of a dense layer, at the origin."""
    return Solid(
        x=0,
        y=0,
        thickness=_BAR_THICKNESS,
        height=_scale(units**_ROOT, _LENGTH, _LENGTH_LIMITS),
        depth=_BAR_THICKNESS,
    )


def _scale(amount: float, factor: float, limits: tuple[float, float]) -> float:
    return min(max(factor * amount, limits[0]), limits[1])
