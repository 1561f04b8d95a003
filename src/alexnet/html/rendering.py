"""Render a page from a template and values."""

from functools import partial
from importlib import resources
from typing import Any

from alexnet import __version__
from alexnet.text import format_percent, printable


def render(template: str, **values: Any) -> str:
    """Render a page; values, such as names of files and classes, are escaped.

    Args:
        template: a file in a package, such as `alexnet.report/page.html`, that extends
            `layout.html`.
        values: the variables of the template.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = partial(format_percent, missing="–")
    environment.globals["printable"] = printable
    style = Markup(_read("page.css"))
    return environment.get_template(template).render(**values, style=style, version=__version__)


def _read(name: str) -> str:
    package, _, file = name.rpartition("/")
    return (resources.files(package or __package__) / file).read_text("utf-8")
