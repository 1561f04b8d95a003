"""Write a scene as SVG: shapes grouped by layer, and texts as text."""

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.scene import Item, Line, Polygon, Scene, Text
from alexnet.text import printable


def scene_to_svg(scene: Scene, width: float, height: float) -> bytes:
    """Return the SVG of a scene that spans (0, 0) to (width, height), in points.

    Each text has its width as an attribute, so that it fits even in another font.
    """
    families = ", ".join(f"'{name}'" if " " in name else name for name in _families())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}pt" height="{_n(height)}pt" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" role="img" font-family={quoteattr(families)} '
        'stroke-linejoin="round">',
        f"<title>{escape(printable(scene.title))}</title>",
        f"<desc>{escape(printable(scene.description))}</desc>",
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="white"/>',
    ]
    for part, items in groupby(scene.items, key=lambda item: item.part):
        lines += [f"<g class={quoteattr(part)}>", *_shapes(list(items)), "</g>"]
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def _families() -> tuple[str, ...]:
    return (fonts.FAMILY, *fonts.FALLBACKS)


def _shapes(items: list[Item]) -> Iterator[str]:
    for item in items:
        match item:
            case Polygon():
                yield _polygon(item)
            case Line():
                yield _line(item)
            case Text():
                yield _text(item)


def _polygon(item: Polygon) -> str:
    points = " ".join(f"{_n(point.x)},{_n(point.y)}" for point in item.points)
    opacity = "" if item.opacity == 1 else f' fill-opacity="{_n(item.opacity)}"'
    return (
        f'<polygon points="{points}" fill="{item.fill}"{opacity} stroke="{item.edge}" '
        f'stroke-width="{_n(item.width)}"/>'
    )


def _line(item: Line) -> str:
    dashes = f' stroke-dasharray="{_n(item.dashes[0])} {_n(item.dashes[1])}"' if item.dashes else ""
    return (
        f'<line x1="{_n(item.start.x)}" y1="{_n(item.start.y)}" x2="{_n(item.end.x)}" '
        f'y2="{_n(item.end.y)}" stroke="{item.color}" stroke-width="{_n(item.width)}"{dashes}/>'
    )


def _text(item: Text) -> str:
    weight = ' font-weight="bold"' if item.bold else ""
    anchor = "" if item.anchor == "start" else f' text-anchor="{item.anchor}"'
    text_width = _n(fonts.width(item.text, item.size, item.bold))
    return (
        f'<text x="{_n(item.at.x)}" y="{_n(item.at.y)}" font-size="{_n(item.size)}"{weight}{anchor}'
        f' fill="{item.color}" textLength="{text_width}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(item.text)}</text>"
    )


def _n(value: float) -> str:
    """Format a number to a hundredth of a point, without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
