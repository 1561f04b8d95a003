"""The report in a real browser: on a phone nothing has to be pushed sideways to be read."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from alexnet.report import report
from alexnet.run import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

MEASURE = """<!DOCTYPE html><body>
<iframe id="page" style="border:0;width:%dpx;height:844px"></iframe>
<script>
const frame = document.getElementById("page");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const images = [...page.images], matrix = page.querySelector("image img");
  document.body.dataset.found = JSON.stringify({
    room: root.clientWidth,
    taken: root.scrollWidth,
    broken: images.filter(image => !image.complete || !image.naturalWidth).length,
    images: images.length,
    matrix: matrix ? matrix.naturalWidth : 0,
    shrunk: matrix ? matrix.width / matrix.naturalWidth : 0,
    smallest: Math.min(...[...page.querySelectorAll("p, td, li")].map(
      element => parseFloat(page.defaultView.getComputedStyle(element).fontSize))),
  });
};
frame.srcdoc = %s;
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    return found


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_width_scrolls_sideways(browser: str, trained: Run, tmp_path: Path, width: int) -> None:
    found = measured(browser, report(trained).read_text("utf-8"), width, tmp_path)
    assert found["taken"] <= found["room"]
    assert found["images"] > 5
    assert not found["broken"]
    assert found["smallest"] >= 11


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_of_many_classes_a_phone_shows_the_pattern_and_a_desk_the_names(
    browser: str, page_of_many_classes: str, tmp_path: Path, width: int
) -> None:
    found = measured(browser, page_of_many_classes, width, tmp_path)
    assert found["taken"] <= found["room"]
    assert not found["broken"]
    # Its letters can be read: of its pixels, 120 to an inch, most are shown.
    assert found["shrunk"] > 0.55
    assert (found["matrix"] < 500) == (width == 390)


def measured(browser: str, text: str, width: int, tmp_path: Path) -> dict[str, float]:
    """What the browser makes of the page in a window of this width."""
    text = json.dumps(text).replace("</", "<\\/")
    page = tmp_path / "measure.html"
    page.write_text(MEASURE % (width, text), "utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    window = f"--window-size={max(width, 800)},900"
    call = [browser, *FLAGS, profile, window, "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run([*call, page.as_uri()], capture_output=True, text=True, timeout=120)
    said = re.search(r'data-found="([^"]*)"', done.stdout)
    assert said, done.stderr
    found: dict[str, float] = json.loads(said[1].replace("&quot;", '"'))
    assert found["room"] in (width, width - 15)  # a scroll bar at the side takes its place
    return found
