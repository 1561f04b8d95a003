"""The templates and the stylesheet of HTML pages belong together."""

import re
from pathlib import Path

import alexnet

SOURCE = Path(alexnet.__file__).parent


def test_every_class_in_a_template_has_a_style() -> None:
    templates = list(SOURCE.rglob("*.html"))
    literal = re.compile(r'class="([\w -]+)"')
    used = {
        name
        for path in templates
        for names in literal.findall(path.read_text("utf-8"))
        for name in names.split()
    }
    css = (SOURCE / "html/page.css").read_text("utf-8")
    styled = set(re.findall(r"\.([a-z][\w-]*)", css))
    assert {"metrics", "small"} <= used
    assert used - styled == set()
