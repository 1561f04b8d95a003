"""`alexnet report` as a person meets it: a page that holds everything, or a line that says why."""

import html
import os
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alexnet.errors import UserError
from alexnet.report import report
from alexnet.run import BEST, METRICS, Run

from ..conftest import Command

VOID = {"meta", "img", "br", "wbr", "link", "input", "hr", "source"}


class Page(HTMLParser):
    """Counts elements, collects texts and attributes, and sees that every element is closed."""

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
    return Page(report(trained).read_text("utf-8"))


@pytest.fixture
def copy(trained: Run, tmp_path: Path) -> Run:
    shutil.copytree(trained.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("*.html"))
    return Run.open(tmp_path / "copy")


def test_it_has_every_part(page: Page) -> None:
    for heading in ("Diagnosis", "Classes", "Calibration", "Kernels of conv1", "Settings"):
        assert heading in page.text
    targets = {value for _, name, value in page.attributes if name == "id"}
    links = [v for t, n, v in page.attributes if (t, n) == ("a", "href") and v and v[0] == "#"]
    assert len(links) == 7
    assert {link[1:] for link in links} == targets


def test_nothing_comes_from_elsewhere_and_nothing_runs(page: Page) -> None:
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(page.tags)
    sources = [v for _, name, v in page.attributes if name in ("src", "srcset", "data", "poster")]
    assert len(sources) > 5
    assert all(value and value.startswith("data:image/") for value in sources)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_images_are_described_and_tables_have_headers(page: Page) -> None:
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert page.tags["img"] == len(alts)
    assert all(alts)
    assert page.tags["table"] == page.tags["caption"] == page.tags["thead"]
    assert page.tags["h1"] == page.tags["main"] == page.tags["nav"] == 1


def test_hostile_names_are_texts(trained: Run, page: Page) -> None:
    raw = (trained.folder / "report.html").read_text("utf-8")
    assert "<script" not in raw
    assert "<b>" not in raw
    assert "<i>" not in raw
    assert "\u202e" not in raw
    for name in ("<script>alert(1)<", "a & b", "quo\"te's", "rtl\\u202eexe.png", "شجرة"):
        assert name in page.text
        assert html.escape(name, quote=False).replace('"', "&#34;").replace("'", "&#39;") in raw


def test_made_again_it_is_the_same_and_takes_the_place_of_the_first(trained: Run) -> None:
    first = report(trained).read_bytes()
    assert report(trained).read_bytes() == first


def test_without_its_images_it_says_what_is_missing(copy: Run, tmp_path: Path) -> None:
    gone = Run(**{**vars(copy), "data": {**copy.data, "source": str(tmp_path / "gone")}})
    shutil.rmtree(copy.folder / "evaluation", ignore_errors=True)
    page = Page(report(gone).read_text("utf-8"))
    assert "What is missing" in page.text
    assert "there is no such file or folder" in page.text
    assert "Diagnosis" in page.text
    assert "Calibration" not in page.text
    # An evaluation that the run keeps has what is needed but for the images.
    report(copy)
    page = Page(report(gone).read_text("utf-8"))
    assert "What is missing" in page.text
    assert "Calibration" in page.text
    assert "no image" in page.text


def test_the_figures_are_those_of_evaluate(trained: Run, page: Page) -> None:
    from alexnet.evaluation import evaluate

    metrics = evaluate(trained, trained.data["source"]).metrics
    shown = re.findall(r"top-1\s*([\d.]+%)\s*95% interval ([\d.]+%) to ([\d.]+%)", page.text)
    low, high = metrics.top1_interval
    assert shown == [(f"{metrics.top1:.1%}", f"{low:.1%}", f"{high:.1%}")]


def test_of_many_classes_a_table_names_the_confusions(page_of_many_classes: str) -> None:
    page = Page(page_of_many_classes)
    assert re.search(r"The 25 most frequent of \d+ confusions", page.text)
    row = r"taken for\s*images\s*share\s*Straße 7\s*n02099601 41\s*6\s*60\.0%"
    assert re.search(row, page.text)
    assert page.tags["image"] == page.tags["source"] == 1
    sources = [v for tag, name, v in page.attributes if (tag, name) == ("source", "srcset")]
    assert all(value and value.startswith("data:image/png;base64,") for value in sources)


def test_of_few_classes_there_is_the_matrix_alone(page: Page) -> None:
    assert not page.tags["image"]


def test_an_old_run_that_does_not_know_its_images_says_so(copy: Run, tmp_path: Path) -> None:
    """Before runs kept what they were trained on, and on images in another place than theirs."""
    moved = shutil.copytree(str(copy.data["source"]), tmp_path / "moved")
    assert "may be among them" not in Page(report(copy, moved).read_text("utf-8")).text
    (copy.folder / "trained_on.npy").unlink()
    said = "so some of these may be among them and it may look better than it is: judge it on"
    text = Page(report(copy, moved).read_text("utf-8")).text
    assert text.count(said) == 1
    # Where they are its own, it splits them as it did.
    assert said not in Page(report(copy).read_text("utf-8")).text


def test_a_file_of_others_is_not_written_over(trained: Run, tmp_path: Path) -> None:
    other = tmp_path / "mine.html"
    other.write_text("<p>mine")
    with pytest.raises(UserError, match=r"exists already; .*--force, force=True.*not a report"):
        report(trained, output=other)
    assert other.read_text() == "<p>mine"
    report(trained, output=other, force=True)
    report(trained, output=other)
    assert "Diagnosis" in other.read_text("utf-8")


def test_bad_calls_are_a_line_each(copy: Run, tmp_path: Path) -> None:
    for output, said in (
        ("report.pdf", "ends in .html"),
        ("report", "ends in .html"),
        (tmp_path / "no" / "report.html", "there is no folder"),
        (tmp_path / "a.html", "is a folder"),
    ):
        (tmp_path / "a.html").mkdir(exist_ok=True)
        with pytest.raises(UserError, match=said):
            report(copy, output=output)
    with pytest.raises(UserError, match="there is no such file"):
        report(copy, tmp_path / "nowhere")
    (copy.folder / BEST).unlink()
    with pytest.raises(UserError, match=r"has no best\.safetensors"):
        report(copy)
    (copy.folder / METRICS).unlink()
    with pytest.raises(UserError, match="none has ended yet"):
        report(copy)
    assert not (copy.folder / "report.html").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_said(copy: Run) -> None:
    copy.folder.chmod(0o500)
    try:
        with pytest.raises(UserError, match="not writable"):
            report(copy)
    finally:
        copy.folder.chmod(0o700)


def test_the_command_prints_where_the_page_is(copy: Run, tmp_path: Path, command: Command) -> None:
    made = command("report", copy.folder, "-o", tmp_path / "out.html")
    assert made.status == 0
    assert made.out == f"{tmp_path / 'out.html'}\n"
    refused = command("report", copy.folder, "-o", tmp_path / "out.pdf")
    assert refused.status == 2
    assert refused.err.startswith("error: ")
    assert len(refused.err.splitlines()) == 1
