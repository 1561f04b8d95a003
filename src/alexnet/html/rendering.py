"""Make a page from its template and values."""

from importlib import resources
from typing import Any

from alexnet import __version__
from alexnet.text import printable


def render(template: str, **values: Any) -> str:
    """A page; whatever comes from names of files and classes is escaped.

    Args:
        template: a file beside the package that makes the page, as `alexnet.report/page.html`; it
            extends `layout.html`.
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
    environment.filters["percent"] = _percent
    environment.globals["printable"] = printable
    style = Markup(_read("page.css"))
    return environment.get_template(template).render(**values, style=style, version=__version__)


def _read(name: str) -> str:
    package, _, file = name.rpartition("/")
    return (resources.files(package or __package__) / file).read_text("utf-8")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
