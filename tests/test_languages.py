"""The English and the Chinese version of a page agree.

If a test fails after a change of the English page, make the same change in the Chinese page: the
message shows the first difference, with the line in both files. Code, numbers, links and images
must be equal; comments in code are translated. Numbers keep their form: 10 is 10, and ten is 十.
"""

from pathlib import Path

import pytest

from .markdown import Page, difference

ROOT = Path(__file__).parent.parent

PAIRS = [("README.md", "README.zh.md"), ("docs/tutorial.md", "docs/zh/tutorial.md")]
"""English, Chinese."""


LINKS = [
    ("README.zh.md", "README.md", "English"),
    ("docs/zh/tutorial.md", "docs/tutorial.md", "English"),
    ("README.md", "README.zh.md", "简体中文"),
    ("docs/tutorial.md", "docs/zh/tutorial.md", "简体中文"),
]
"""Page, its translation, the language of the translation."""


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_translations_have_equal_code(english: str, chinese: str) -> None:
    if message := difference(Page(ROOT, english), Page(ROOT, chinese), code_only=True):
        pytest.fail(message, pytrace=False)


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_translations_have_corresponding_blocks(english: str, chinese: str) -> None:
    if message := difference(Page(ROOT, english), Page(ROOT, chinese)):
        pytest.fail(message, pytrace=False)


@pytest.mark.parametrize("name", [name for pair in PAIRS for name in pair])
def test_links_have_targets(name: str) -> None:
    page = Page(ROOT, name)
    assert any(block.links for block in page.blocks)
    if errors := list(page.dead_links()):
        pytest.fail("\n".join(errors), pytrace=False)


@pytest.mark.parametrize(("name", "other", "language"), LINKS)
def test_translations_link_to_each_other(name: str, other: str, language: str) -> None:
    page = Page(ROOT, name)
    link = f"[{language}]({page.relative(other)})"
    if link not in page.path.read_text(encoding="utf-8").splitlines()[2]:
        pytest.fail(f"{name} does not show {link} under its title", pytrace=False)


ENGLISH = """\
# A title

Some words with `code`, 12 numbers
and [a link](other.md#part), see [below](#end).

![An image](image.png)

| name | what |
|---|---|
| `first` | 1,000 things, 1.2 million |

- one
- two:

    ```
    alexnet train flowers     # the first
    alexnet check flowers
    ```

```python
x = 1  # a number
```

## End

So long.
"""

CHINESE = """\
# 标题

[English](../page.md) | 简体中文

共 12 个数，`code`，[链接](../other.md#part)，见[下文](#结尾)。

![图](../image.png)

| 名称 | 说明 |
|---|---|
| `first` | 1,000 件，120 万 |

- 一
- 二：

    ```
    alexnet train flowers     # 第一条
    alexnet check flowers
    ```

```python
x = 1  # 一个数
```

## 结尾

再见。
"""


@pytest.fixture
def pages(tmp_path: Path) -> tuple[Page, Page]:
    """Two equivalent pages."""
    (tmp_path / "zh").mkdir()
    (tmp_path / "other.md").write_text("# Part\n")
    (tmp_path / "image.png").touch()
    (tmp_path / "page.md").write_text(ENGLISH, encoding="utf-8")
    (tmp_path / "zh" / "page.md").write_text(CHINESE, encoding="utf-8")
    return Page(tmp_path, "page.md"), Page(tmp_path, "zh/page.md")


def test_equivalent_pages_do_not_differ(pages: tuple[Page, Page]) -> None:
    english, chinese = pages
    assert difference(english, chinese) is None
    assert not list(english.dead_links())
    assert not list(chinese.dead_links())


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("check flowers", "check fish", ["page.md:17: alexnet check flowers", "fish"]),
        ("    alexnet check flowers\n", "", ["page.md:17: alexnet check flowers", "block ends"]),
        ("x = 1", "x = 2", ["page.md:21: x = 1", "zh/page.md:22: x = 2"]),
        (
            "`code`",
            "`cod`",
            ["code only in page.md: code; code only in zh/page.md: cod", "page.md:3 (text)"],
        ),
        ("12", "13", ["number only in page.md: 12; number only in zh/page.md: 13"]),
        (
            "1,000",
            "100",
            ["only in page.md: 1,000", "zh/page.md:11 (row of 2 cells): | `first` | 100"],
        ),
        ("120 万", "12 万", ["only in page.md: 1200000; number only in zh/page.md: 120000"]),
        ("`first`", "first", ["code of the first column only in page.md: first"]),
        ("image.png", "other.png", ["link only in page.md: image image.png"]),
        ("other.md#part", "other.md", ["only in page.md: other.md, heading 1"]),
        ("#结尾", "#标题", ["only in page.md: page.md, heading 2"]),
        (
            "- 一\n",
            "",
            ["page.md:13 (item)", "zh/page.md:15 (code): alexnet train flowers     # 第一条 …"],
        ),
        ("## 结尾", "### 结尾", ["page.md:24 (heading 2): ## End", "zh/page.md:25 (heading 3)"]),
        ("再见。\n", "", ["page.md:26 (text): So long.  (under ## End)\n  zh/page.md has ended"]),
        ("再见。\n", "再见。\n\n还有。\n", ["page.md has ended\n  zh/page.md:29 (text): 还有。"]),
        ("120 万 |", "120 万 | |", ["row of 3 cells"]),
    ],
)
def test_the_first_difference_is_reported(
    pages: tuple[Page, Page], old: str, new: str, messages: list[str]
) -> None:
    english, chinese = pages
    text = chinese.path.read_text(encoding="utf-8")
    assert old in text
    chinese.path.write_text(text.replace(old, new, 1), encoding="utf-8")
    report = difference(english, chinese)
    assert report is not None
    for message in messages:
        assert message in report


def test_dead_links_are_reported(pages: tuple[Page, Page]) -> None:
    _, chinese = pages
    text = chinese.path.read_text(encoding="utf-8")
    text = text.replace("image.png", "no.png").replace("#结尾", "#end").replace("#part", "#no")
    chinese.path.write_text(text, encoding="utf-8")
    assert list(chinese.dead_links()) == [
        "zh/page.md:5: no heading for ../other.md#no; headings: part",
        "zh/page.md:5: no heading for #end; headings: 标题, 结尾",
        "zh/page.md:7: no such file: ../no.png",
    ]
