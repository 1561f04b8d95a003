"""An architecture as a file: SVG, PNG or PDF."""

import os
from pathlib import Path

from alexnet.errors import UserError
from alexnet.spec.architectures import Architecture
from alexnet.text import exists_already, printable

FORMATS = ("svg", "png", "pdf")


def draw(
    architecture: Architecture, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Draw a network as figure 2 of the paper does, into a file.

    Boxes in perspective for the maps, small ones for the kernels with lines to the pixel that
    they make, bars for the dense layers; as many columns as there are groups, up to four. Their
    sides go with the root of what they stand for.

    Args:
        architecture: of `alexnet.architecture` or `alexnet.summary.network`.
        path: its ending says the format: .svg, .png or .pdf.
        overwrite: whether a file that is there already may be replaced.

    Raises:
        UserError: another format, a folder that does not exist, or a file that is there.
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
    write_bytes(Path(path), rendered(architecture, Path(path).suffix[1:].lower()))


def rendered(architecture: Architecture, format: str) -> bytes:
    """The content of a file in one of `FORMATS`."""
    from alexnet.summary.drawing import plot
    from alexnet.summary.drawing.compose import compose
    from alexnet.summary.drawing.page import paged
    from alexnet.summary.drawing.svg import svg

    scene, width, height = paged(compose(architecture))
    if format == "svg":
        return svg(scene, width, height)
    figure = plot.plot(scene, width, height)
    return plot.png(figure) if format == "png" else plot.pdf(figure, scene.title)


def require_drawable(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Look whether a drawing can be put there, before anything is worked out.

    Raises:
        UserError: it cannot; says why.
    """
    path, name = Path(path), printable(path)
    ending = path.suffix[1:].lower()
    if ending not in FORMATS:
        listed = ", ".join(f".{known}" for known in FORMATS)
        what = f"the format .{printable(ending)} is unknown" if ending else "the format is missing"
        raise UserError(f"{name}: {what}; end the name with one of {listed}")
    if path.is_dir():
        raise UserError(f"{name} is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise UserError(f"{name}: there is no folder {printable(path.parent)}")
    if path.exists() and not overwrite:
        raise UserError(exists_already(path, "overwrite=True"))
