"""The report in a real browser: no horizontal scrolling on a phone."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from alexnet.report import write_report
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
  const images = [...page.images], matrix = page.querySelector("picture img");
  document.body.dataset.layout = JSON.stringify({
    client_px: root.clientWidth,
    scroll_px: root.scrollWidth,
    num_broken: images.filter(image => !image.complete || !image.naturalWidth).length,
    images: images.length,
    matrix: matrix ? matrix.naturalWidth : 0,
    scale: matrix ? matrix.width / matrix.naturalWidth : 0,
    smallest: Math.min(...[...page.querySelectorAll("p, td, li")].map(
      element => parseFloat(page.defaultView.getComputedStyle(element).fontSize))),
  });
};
frame.srcdoc = %s;
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser installed: none of {', '.join(BROWSERS)}")
    return executable


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_horizontal_scrolling(browser: str, trained: Run, tmp_path: Path, width: int) -> None:
    layout = measure_page(browser, write_report(trained).read_text("utf-8"), width, tmp_path)
    assert layout["scroll_px"] <= layout["client_px"]
    assert layout["images"] > 5
    assert not layout["num_broken"]
    assert layout["smallest"] >= 11


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_confusion_matrix_of_many_classes_has_labels_on_wide_screens_only(
    browser: str, page_of_many_classes: str, tmp_path: Path, width: int
) -> None:
    layout = measure_page(browser, page_of_many_classes, width, tmp_path)
    assert layout["scroll_px"] <= layout["client_px"]
    assert not layout["num_broken"]
    # At 120 pixels per inch, text is legible if most pixels are shown.
    assert layout["scale"] > 0.55
    assert (layout["matrix"] < 500) == (width == 390)


def measure_page(browser: str, text: str, width: int, tmp_path: Path) -> dict[str, float]:
    """Render the page in a window of this width and return its measurements."""
    text = json.dumps(text).replace("</", "<\\/")
    page = tmp_path / "measure.html"
    page.write_text(MEASURE % (width, text), "utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    window = f"--window-size={max(width, 800)},900"
    call = [browser, *FLAGS, profile, window, "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run([*call, page.as_uri()], capture_output=True, text=True, timeout=120)
    match = re.search(r'data-layout="([^"]*)"', done.stdout)
    assert match, done.stderr
    layout: dict[str, float] = json.loads(match[1].replace("&quot;", '"'))
    assert layout["client_px"] in (width, width - 15)  # minus the scroll bar
    return layout
