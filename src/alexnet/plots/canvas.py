"""The colors, resolution and layout of all plots."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# The palette of Okabe and Ito: distinguishable with color blindness, and of different lightness.
BLUE, VERMILION, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"

DPI = 120
_PAD_INCHES = 0.09


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, without pyplot and without a window."""
    fig = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    # Without padding the outermost letters touch the edge of the image.
    fig.get_layout_engine().set(w_pad=_PAD_INCHES, h_pad=_PAD_INCHES)  # type: ignore[union-attr,call-arg]
    FigureCanvasAgg(fig)
    return fig
