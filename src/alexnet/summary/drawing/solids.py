"""Boxes in perspective, and how large a layer is drawn.

Every box recedes to the upper left, so that the side is seen by which the data comes in. Sides grow
more slowly than what they stand for, heights with a power of the map's size, thickness with the
root of the channels: beside 224 pixels 13, and beside 384 channels 3, could not be seen otherwise.
"""

from dataclasses import dataclass

from alexnet.summary.drawing.scene import Box, Point

_RECEDE_X, _RECEDE_Y = 0.40, 0.20
"""How far left and up one unit of depth goes."""
_SIDE_POWER, _ROOT = 0.4, 0.5
_SIDE, _SIDES = 16.5, (16.0, 230.0)
_THICKNESS, _THICKNESSES = 2.0, (3.0, 72.0)
_LENGTH, _LENGTHS = 1.7, (11.0, 190.0)
"""Points for a pixel, a channel, a unit; and the least and the most points."""
_BAR = 7.0


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A box: `x` is the left edge of its near face, `y` the middle of its left face."""

    x: float
    y: float
    thickness: float
    height: float
    depth: float

    def at(self, along: float, down: float, away: float) -> Point:
        """A place in it, each from 0 to 1: along the thickness, down, and away from the viewer."""
        x = self.x + along * self.thickness - away * self.depth * _RECEDE_X
        y = self.y + (down - 0.5) * self.height + (0.5 - away) * self.depth * _RECEDE_Y
        return Point(x, y)

    def part(
        self, place: tuple[float, float], share: float, slab: tuple[int, int] = (0, 1)
    ) -> "Solid":
        """A box in it with a share of its sides, around a place or as near as it fits in.

        Args:
            place: down and away, as in `at`.
            slab: `(i, n)` for the i-th of n equal parts of the thickness.
        """
        down, away = (min(max(value, share / 2), 1 - share / 2) for value in place)
        number, count = slab
        middle = self.at(number / count, down, away)
        depth, height = self.depth * share, self.height * share
        return Solid(
            x=middle.x + depth * _RECEDE_X / 2,
            y=middle.y,
            thickness=self.thickness / count,
            height=height,
            depth=depth,
        )

    @property
    def left_face(self) -> tuple[Point, ...]:
        """By which the data comes in."""
        return (self.at(0, 0, 0), self.at(0, 0, 1), self.at(0, 1, 1), self.at(0, 1, 0))

    @property
    def top_face(self) -> tuple[Point, ...]:
        """Seen from above."""
        return (self.at(0, 0, 0), self.at(1, 0, 0), self.at(1, 0, 1), self.at(0, 0, 1))

    @property
    def near_face(self) -> tuple[Point, ...]:
        """Toward the viewer."""
        return (self.at(0, 0, 0), self.at(1, 0, 0), self.at(1, 1, 0), self.at(0, 1, 0))

    @property
    def outline(self) -> Box:
        """The upright rectangle around it."""
        far, near = self.at(0, 0, 1), self.at(1, 1, 0)
        return Box(far.x, far.y, near.x, near.y)


def volume(size_px: int, channels: int) -> Solid:
    """A map of so many pixels and channels, at the origin."""
    side = _scaled(size_px**_SIDE_POWER, _SIDE, _SIDES)
    thickness = _scaled(channels**_ROOT, _THICKNESS, _THICKNESSES)
    return Solid(x=0, y=0, thickness=thickness, height=side, depth=side)


def bar(units: int) -> Solid:
    """A dense layer of so many units, at the origin."""
    return Solid(
        x=0, y=0, thickness=_BAR, height=_scaled(units**_ROOT, _LENGTH, _LENGTHS), depth=_BAR
    )


def _scaled(amount: float, factor: float, limits: tuple[float, float]) -> float:
    return min(max(factor * amount, limits[0]), limits[1])
