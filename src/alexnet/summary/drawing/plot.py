"""The drawing as PNG and PDF, through matplotlib."""

import io
from typing import TYPE_CHECKING, Any

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.scene import Line, Polygon, Scene, Text
from alexnet.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS_PER_INCH = 72
_PNG_DPI = 220


def plot(scene: Scene, width: float, height: float) -> "Figure":
    """The scene, which lies from (0, 0) to (width, height) points, as a figure of that size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH), facecolor="white"
    )
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    for order, item in enumerate(scene.items):
        axes.add_artist(_artist(item)).set_zorder(order)
    return figure


def png(figure: "Figure") -> bytes:
    """As PNG; the same figure gives the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return file.getvalue()


def pdf(figure: "Figure", title: str) -> bytes:
    """As PDF with letters that can be searched and copied; the same figure gives the same bytes."""
    from matplotlib import rc_context

    file = io.BytesIO()
    metadata: dict[str, Any] = {"Title": printable(title), "CreationDate": None}
    with rc_context({"pdf.fonttype": 42}):  # whole outlines, not images of letters
        figure.savefig(file, format="pdf", metadata=metadata)
    return file.getvalue()


def _artist(item: Polygon | Line | Text) -> Any:
    from matplotlib.colors import to_rgba
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon as Patch
    from matplotlib.text import Text as Letters

    match item:
        case Polygon():
            return Patch(
                item.points,
                closed=True,
                facecolor=to_rgba(item.fill, item.opacity),
                edgecolor=item.edge,
                linewidth=item.width,
                joinstyle="round",
            )
        case Line():
            return Line2D(
                (item.start.x, item.end.x),
                (item.start.y, item.end.y),
                color=item.color,
                linewidth=item.width,
                # matplotlib counts dashes in widths of the line.
                dashes=[length / item.width for length in item.dashes or (1, 0)],
            )
    sides: Any = {"start": "left", "middle": "center", "end": "right"}
    return Letters(
        *item.at,
        text=item.text,
        fontproperties=fonts.properties(item.size, item.bold),
        color=item.color,
        horizontalalignment=sides[item.anchor],
        verticalalignment="baseline",
        parse_math=False,
    )
