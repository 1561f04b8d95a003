"""Write the drawing of an architecture as SVG, PNG or PDF."""

import os
from pathlib import Path

from alexnet.io.output_paths import check_output_file
from alexnet.spec.architectures import Architecture

FORMATS = ("svg", "png", "pdf")


def draw(
    architecture: Architecture, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Draw a network in the style of figure 2 of the paper.

    Feature maps are boxes in perspective, kernels small boxes with lines to their output pixel,
    dense layers bars; there is a column per group, up to four. Sizes are drawn on a power scale.

    Args:
        architecture: from `alexnet.architecture` or `alexnet.summary.resolve_architecture`.
        path: the file; its extension sets the format: .svg, .png or .pdf.
        overwrite: replace an existing file.

    Raises:
        UserError: an unknown format, a folder that does not exist, or an existing file.
        RunError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from alexnet import architecture
        >>> folder = tempfile.TemporaryDirectory()
        >>> draw(architecture("paper"), f"{folder.name}/paper.svg")
        >>> "Max pooling" in Path(f"{folder.name}/paper.svg").read_text("utf-8")
        True
        >>> folder.cleanup()
    """
    from alexnet.io.atomic import write_bytes

    require_drawable(path, overwrite=overwrite)
    write_bytes(Path(path), render_drawing(architecture, Path(path).suffix[1:].lower()))


def render_drawing(architecture: Architecture, format: str) -> bytes:
    """Return the drawing as the content of a file in one of `FORMATS`."""
    from alexnet.summary.drawing.compose import compose_scene
    from alexnet.summary.drawing.page import fit_page

    scene, width, height = fit_page(compose_scene(architecture))
    if format == "svg":
        from alexnet.summary.drawing.svg import scene_to_svg

        return scene_to_svg(scene, width, height)
    from matplotlib import rc_context

    from alexnet.plots.files import figure_bytes
    from alexnet.summary.drawing.figure import plot_scene

    with rc_context({"pdf.fonttype": 42}):  # TrueType, so that the text can be searched
        return figure_bytes(plot_scene(scene, width, height), format, title=scene.title)


def require_drawable(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise `UserError` unless a drawing can be written there."""
    check_output_file(
        path, label="drawing", formats=FORMATS, overwrite=overwrite, argument="overwrite=True"
    )
