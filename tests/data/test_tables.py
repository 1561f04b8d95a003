"""Datasets in CSV files."""

from pathlib import Path

import pytest

from alexnet.data import find, problems, with_split
from alexnet.errors import UserError

from .conftest import MakeImage


@pytest.fixture
def table(image: MakeImage, tmp_path: Path) -> Path:
    for i in range(4):
        image(f"p/{i}.png", seed=i)
    return tmp_path / "list.csv"


PLAIN = "p/0.png,10\np/1.png,2\np/2.png,2\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "path,label\n" + PLAIN,
        "Label;Image Path\n10;p/0.png\n2;p/1.png\n2;p/2.png\n",
        "\ufefffilename\tclass\n" + PLAIN.replace(",", "\t"),
        "\n" + PLAIN.replace("\n", "\r\n\r\n"),
        PLAIN.replace("/", "\\"),
        '"p/0.png", "10"\n"p/1.png", "2"\n./p/2.png,2',
        PLAIN + "p/1.png,2\n",
        "picture,species\n" + PLAIN,
    ],
)
def test_path_and_label_columns(text: str, table: Path, tmp_path: Path) -> None:
    table.write_bytes(text.encode())
    data = find(table)
    assert data.classes == ("2", "10")
    assert [(s.path, s.label, s.split) for s in data.samples] == [
        (f"{tmp_path}/p/1.png", 0, "all"),
        (f"{tmp_path}/p/2.png", 0, "all"),
        (f"{tmp_path}/p/0.png", 1, "all"),
    ]
    assert data.split_by == "none"
    assert data.notices == (
        ("skipped 1 duplicate row of the table",) if "1.png,2\np/2.png,2\np/1" in text else ()
    )


def test_absolute_paths_and_other_encodings(table: Path, tmp_path: Path) -> None:
    table.write_text(f"path,label\n{tmp_path}/p/0.png,Käse\np/1.png,b\n", encoding="utf-16")
    assert find(table).classes == ("b", "Käse")
    table.write_bytes("p/0.png,Käse\np/1.png,b\n".encode("latin-1"))
    assert find(table).classes == ("b", "K\udce4se")


@pytest.mark.parametrize("header", ["", "path,label,split\n", "file,id,species,subset\n"])
def test_split_column(header: str, table: Path) -> None:
    extra = ",7" if "id" in header else ""
    rows = [
        f"p/{i}.png{extra},c,{s}" for i, s in enumerate(("TRAIN", "valid", "validation", "test"))
    ]
    table.write_text(header + "\n".join(rows))
    data = find(table)
    assert data.split_by == "column"
    assert [s.split for s in data.samples] == ["train", "val", "val", "test"]


def test_missing_files_are_listed(table: Path) -> None:
    table.write_text("path,label\np/0.png,a\np/no.png,b\n")
    assert find(table).counts() == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("path,label\n", "the table lists no images"),
        ("foo,bar\np/0.png,a\n", "no path and label in the header foo,bar"),
        ("p/0.png\n", "only one column"),
        ("path,label\np/0.png,a\np/1.png\n", "list.csv, line 3: no label"),
        ("path,label\n,a\n", "line 2: no path"),
        (
            "path,label,split\np/0.png,a,tarin\n",
            "line 2: invalid split 'tarin': expected train, val or test",
        ),
        ("path,label,split\np/0.png,a,train\np/1.png,a,\n", "no split for"),
        ("path,label\nq/0.png,a\n", "none of the listed images exists"),
        ("path,label\n" + "x" * 200_000 + ",a\n", "line 2: not a table"),
        ("path,label\na\0b.png,a\n", ""),
    ],
)
def test_invalid_tables_are_rejected(text: str, message: str, table: Path) -> None:
    table.write_text(text)
    with pytest.raises(UserError) as caught:
        find(table)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(table))
    assert "\n" not in str(caught.value)


def test_problems_of_a_table_mention_rows_instead_of_folders(table: Path) -> None:
    table.write_text("path,label\np/0.png,a\np/1.png,a\n")
    (problem,) = problems(with_split(find(table)))
    assert problem.endswith("only one class, a; training needs at least two labels")
    table.write_text("path,label,split\np/0.png,a,test\np/1.png,b,test\n")
    (problem,) = problems(with_split(find(table)))
    assert problem.endswith("no training images; set the split of some rows to train")
