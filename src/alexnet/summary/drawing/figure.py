"""Draw a scene as a matplotlib figure, for PNG and PDF."""

from typing import TYPE_CHECKING, Any

from alexnet.summary.drawing import fonts
from alexnet.summary.drawing.scene import Line, Polygon, Scene, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS_PER_INCH = 72
_PNG_DPI = 220


def plot_scene(scene: Scene, width: float, height: float) -> "Figure":
    """Plot a scene that spans (0, 0) to (width, height), in points, as a figure of that size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    figure = Figure(figsize=size, dpi=_PNG_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    for order, item in enumerate(scene.items):
        axes.add_artist(_artist(item)).set_zorder(order)
    return figure


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
                # in units of the line width
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
