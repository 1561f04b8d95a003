"""What every figure shares: its colors, and how it becomes a file."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from alexnet.io.atomic import write_bytes

# Okabe and Ito: told apart by people who do not see all colors, and of different lightness.
BLUE, VERMILION, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"

DPI = 120
_PAD_INCHES = 0.09


def figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches that belongs to no window."""
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    # Without it the outermost letters touch the edge of the image.
    made.get_layout_engine().set(w_pad=_PAD_INCHES, h_pad=_PAD_INCHES)  # type: ignore[union-attr,call-arg]
    FigureCanvasAgg(made)
    return made


def png(figure: Figure) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as an SVG file, sharp at any size; its letters are drawn, so it needs no font."""
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "alexnet"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def write(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG file, complete or not at all.

    Raises:
        RunError: it cannot be written.
    """
    write_bytes(path, png(figure))
