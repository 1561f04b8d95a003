"""`alexnet report` writes a self-contained page, or reports an error in one line."""

import html
import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alexnet.errors import UserError
from alexnet.report import write_report
from alexnet.run import BEST, METRICS, Run

from ..conftest import Command

VOID = {"meta", "img", "br", "wbr", "link", "input", "hr", "source"}


class Page(HTMLParser):
    """Count elements, collect text and attributes, and check that elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def page(trained: Run) -> Page:
    return Page(write_report(trained).read_text("utf-8"))


@pytest.fixture
def copy(trained: Run, tmp_path: Path) -> Run:
    shutil.copytree(trained.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("*.html"))
    return Run.open(tmp_path / "copy")


def test_report_has_every_section(page: Page) -> None:
    for heading in ("Diagnosis", "Classes", "Calibration", "Kernels of conv1", "Settings"):
        assert heading in page.text
    targets = {value for _, name, value in page.attributes if name == "id"}
    links = [v for t, n, v in page.attributes if (t, n) == ("a", "href") and v and v[0] == "#"]
    assert len(links) == 7
    assert {link[1:] for link in links} == targets


def test_report_is_self_contained_and_has_no_scripts(page: Page) -> None:
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(page.tags)
    sources = [v for _, name, v in page.attributes if name in ("src", "srcset", "data", "poster")]
    assert len(sources) > 5
    assert all(value and value.startswith("data:image/") for value in sources)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_images_have_alt_text_and_tables_have_headers(page: Page) -> None:
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert page.tags["img"] == len(alts)
    assert all(alts)
    assert page.tags["table"] == page.tags["caption"] == page.tags["thead"]
    assert page.tags["h1"] == page.tags["main"] == page.tags["nav"] == 1


def test_names_are_escaped(trained: Run, page: Page) -> None:
    raw = (trained.folder / "report.html").read_text("utf-8")
    assert "<script" not in raw
    assert "<b>" not in raw
    assert "<i>" not in raw
    assert "\u202e" not in raw
    for name in ("<script>alert(1)<", "a & b", "quo\"te's", "rtl\\u202eexe.png", "شجرة"):
        assert name in page.text
        assert html.escape(name, quote=False).replace('"', "&#34;").replace("'", "&#39;") in raw


@pytest.mark.slow
def test_report_is_reproducible_and_overwrites_itself(trained: Run) -> None:
    first = write_report(trained).read_bytes()
    assert write_report(trained).read_bytes() == first


def test_report_without_dataset_lists_what_is_missing(copy: Run, tmp_path: Path) -> None:
    gone = replace(copy, data=replace(copy.data, source=str(tmp_path / "gone")))
    shutil.rmtree(copy.folder / "evaluation", ignore_errors=True)
    page = Page(write_report(gone).read_text("utf-8"))
    assert "Missing from this report" in page.text
    assert "no such file or folder" in page.text
    assert "Diagnosis" in page.text
    assert "Calibration" not in page.text
    # A saved evaluation provides everything except the images.
    write_report(copy)
    page = Page(write_report(gone).read_text("utf-8"))
    assert "Missing from this report" in page.text
    assert "Calibration" in page.text
    assert "image unavailable" in page.text


def test_metrics_equal_evaluate(trained: Run, page: Page) -> None:
    from alexnet.evaluation import evaluate

    metrics = evaluate(trained, trained.data.source).metrics
    interval = r"95% confidence interval \(CI\) ([\d.]+%) to ([\d.]+%)"
    shown = re.findall(rf"top-1\s*([\d.]+%)\s*{interval}", page.text)
    low, high = metrics.top1_interval
    assert shown == [(f"{metrics.top1:.1%}", f"{low:.1%}", f"{high:.1%}")]


def test_confusions_of_many_classes_are_listed_in_a_table(page_of_many_classes: str) -> None:
    page = Page(page_of_many_classes)
    assert re.search(r"The 25 most frequent of \d+ confusions", page.text)
    row = r"predicted as\s*images\s*fraction\s*Straße 7\s*n02099601 41\s*6\s*60\.0%"
    assert re.search(row, page.text)
    assert page.tags["picture"] == page.tags["source"] == 1
    sources = [v for tag, name, v in page.attributes if (tag, name) == ("source", "srcset")]
    assert all(value and value.startswith("data:image/png;base64,") for value in sources)


def test_few_classes_have_a_single_confusion_matrix(page: Page) -> None:
    assert not page.tags["picture"]


def test_run_without_training_digests_warns_about_leakage(copy: Run, tmp_path: Path) -> None:
    """Runs of earlier versions have no trained_on.npy to detect training images elsewhere."""
    moved = shutil.copytree(str(copy.data.source), tmp_path / "moved")
    assert "may be among them" not in Page(write_report(copy, moved).read_text("utf-8")).text
    (copy.folder / "trained_on.npy").unlink()
    warning = (
        "some of these may be among them and the metrics too optimistic: evaluate on new images"
    )
    text = Page(write_report(copy, moved).read_text("utf-8")).text
    assert text.count(warning) == 1
    # On its own dataset the run reproduces its split.
    assert warning not in Page(write_report(copy).read_text("utf-8")).text


def test_other_files_are_overwritten_only_with_force(trained: Run, tmp_path: Path) -> None:
    other = tmp_path / "mine.html"
    other.write_text("<p>mine")
    with pytest.raises(
        UserError, match=r"already exists and is not a report.*--force \(force=True\)"
    ):
        write_report(trained, output=other)
    assert other.read_text() == "<p>mine"
    write_report(trained, output=other, force=True)
    write_report(trained, output=other)
    assert "Diagnosis" in other.read_text("utf-8")


def test_invalid_arguments_raise_user_errors(copy: Run, tmp_path: Path) -> None:
    for output, message in (
        ("report.pdf", "one of .html, .htm"),
        ("report", "one of .html, .htm"),
        (tmp_path / "no" / "report.html", "no such folder"),
        (tmp_path / "a.html", "is a folder"),
    ):
        (tmp_path / "a.html").mkdir(exist_ok=True)
        with pytest.raises(UserError, match=message):
            write_report(copy, output=output)
    with pytest.raises(UserError, match="no such file or folder"):
        write_report(copy, tmp_path / "nowhere")
    (copy.folder / BEST).unlink()
    with pytest.raises(UserError, match=r"has no best\.safetensors"):
        write_report(copy)
    (copy.folder / METRICS).unlink()
    with pytest.raises(UserError, match="none has ended yet"):
        write_report(copy)
    assert not (copy.folder / "report.html").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder_fails(copy: Run) -> None:
    copy.folder.chmod(0o500)
    try:
        with pytest.raises(UserError, match="not writable"):
            write_report(copy)
    finally:
        copy.folder.chmod(0o700)


def test_command_prints_the_path_of_the_report(copy: Run, tmp_path: Path, command: Command) -> None:
    result = command("report", copy.folder, "-o", tmp_path / "out.html")
    assert result.status == 0
    assert result.out == f"{tmp_path / 'out.html'}\n"
    invalid = command("report", copy.folder, "-o", tmp_path / "out.pdf")
    assert invalid.status == 2
    assert invalid.err.startswith("error: ")
    assert len(invalid.err.splitlines()) == 1
