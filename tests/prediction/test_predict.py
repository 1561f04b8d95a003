"""`alexnet predict` as a person meets it: its text, its status, its rows."""

import csv
import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alexnet import loading
from alexnet.backends import Compute
from alexnet.errors import UserError
from alexnet.prediction import Input, find_inputs, predict
from alexnet.prediction.crops import probabilities


def jsonl(predictions):
    return [json.loads(line) for line in predictions.out.splitlines()]


def test_table_for_people(command, run, images):
    predictions = command("predict", run.folder, images / "red")
    lines = predictions.out.splitlines()
    assert predictions.status == 0
    assert predictions.err == ""
    assert lines[0].split() == ["image", "class", "probability", "then"]
    assert [Path(line.split()[0]).name for line in lines[1:]] == [
        "8.png", "9.png", "10.png", "11.png", "leaf.png"
    ]  # fmt: skip
    assert [line.split()[1] for line in lines[1:]] == ["red"] * 4 + ["green"]


def test_columns_of_the_table_stay_whatever_comes_later(command, run, images):
    long = images / "red" / "a much longer name than the others have.png"
    os.link(images / "red" / "8.png", long)
    paths = [images / "red" / "9.png", long, images / "green" / "8.png"]
    predictions = command("predict", run.folder, *paths, "--batch-size", 1)
    lines = predictions.out.splitlines()
    assert lines[2] == str(long)
    places = [lines[0].index("class"), lines[1].rindex("red  ")]
    places += [lines[3].index("red"), lines[4].index("green", len(str(paths[2])))]
    assert len(set(places)) == 1
    assert len({line.index("%") for line in [lines[1], *lines[3:]]}) == 1


def test_table_of_the_best_class_alone(command, run, images):
    predictions = command("predict", run.folder, images / "red", "--top", 1)
    assert predictions.out.splitlines()[0].split() == ["image", "class", "probability"]
    assert predictions.out.splitlines()[1].endswith("%")


def test_jsonl_has_the_networks_own_probabilities(command, run, images):
    from alexnet import data

    predictions = command("predict", run.folder, images / "blue", "--format", "jsonl", "--top", 2)
    rows = jsonl(predictions)
    network = loading.open_inference_model(run)
    expected = probabilities(network, [data.decode(row["path"], 73) for row in rows])
    assert predictions.status == 0
    for row, p in zip(rows, expected, strict=True):
        assert row["class"] == "blue"
        assert row["error"] is None
        assert row["probability"] == pytest.approx(p.max(), rel=1e-4)
        assert [one["probability"] for one in row["top"]] == pytest.approx(
            sorted(p)[:0:-1], rel=1e-4
        )


def test_unreadable_images_do_not_stop_the_others(command, run, images):
    good, bad = images / "red" / "8.png", images / "red" / "bad.png"
    bad.write_bytes(good.read_bytes()[:400])
    absent = images / "absent.png"
    predictions = command("predict", run.folder, absent, good, bad, good, "--format", "jsonl")
    assert predictions.status == 1
    assert [row["class"] for row in jsonl(predictions)] == [None, "red", None, "red"]
    assert [row["error"] is None for row in jsonl(predictions)] == [False, True, False, True]
    errors = predictions.err.splitlines()
    assert errors[0] == f"error: {absent}: no such file"
    assert errors[1].startswith(f"error: {bad}: ")
    assert len(errors) == 2


def test_every_image_is_unreadable(command, run, tmp_path):
    predictions = command("predict", run.folder, tmp_path / "absent.png")
    assert predictions.status == 1
    assert "unreadable: no such file" in predictions.out


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
def test_rows_can_be_read_back_whatever_the_names(command, run, images, format_):
    names = ['a, "b".png', "line\nbreak.png", "caf\udce9.png", "玫瑰 [red].png", "cr\rend.png"]
    paths = [str(images / name) for name in names]
    for path in paths:
        os.link(images / "red" / "8.png", path)
    predictions = command("predict", run.folder, *paths, images / "no.png", "--format", format_)
    if format_ == "jsonl":
        rows = jsonl(predictions)
    else:
        rows = list(csv.DictReader(io.StringIO(predictions.out, newline="")))
        assert list(rows[0]) == [
            "path", "class", "probability", "class_2", "probability_2", "class_3",
            "probability_3", "error",
        ]  # fmt: skip
    assert [row["path"] for row in rows[:-1]] == paths
    assert [row["class"] for row in rows[:-1]] == ["red"] * len(names)
    assert not any(row["error"] for row in rows[:-1])
    assert rows[-1]["error"] == "no such file"
    assert predictions.status == 1


def test_table_escapes_what_must_not_be_printed(command, run, images):
    path = str(images / "caf\udce9\x1b[31m[bold].png")
    os.link(images / "red" / "8.png", path)
    predictions = command("predict", run.folder, path)
    assert "caf\\xe9\\x1b[31m[bold].png" in predictions.out
    assert predictions.status == 0


def test_ten_crops(command, run, images):
    from alexnet import data

    predictions = command("predict", run.folder, images / "red", "--crops", 10, "--format", "jsonl")
    image = data.decode(images / "red" / "8.png", 73)
    expected = probabilities(loading.open_inference_model(run), [image], 10)
    assert jsonl(predictions)[0]["probability"] == pytest.approx(expected.max(), rel=1e-4)


def test_list_on_standard_input(command, run, images):
    names = [str(images / "red" / "8.png"), str(images / "no.png"), str(images / "blue")]
    listed = "\r\n".join(names).encode() + b"\n\n"
    predictions = command("predict", run.folder, "-", "--format", "jsonl", stdin=listed)
    assert [row["class"] for row in jsonl(predictions)] == ["red", None] + ["blue"] * 4
    assert predictions.status == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["empty"], "no images in"),
        (["-"], "no images: the list on standard input is empty"),
        (["red.png", "--format", "xml"], "unknown format 'xml': choose from table, jsonl, csv"),
        (["red.png", "--crops", "3"], "invalid value for crops"),
        (["red.png", "--top", "0"], "top"),
        (["red.png", "--device", "abacus"], "abacus"),
    ],
)
def test_wrong_calls(command, run, tmp_path, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    predictions = command("predict", run.folder, *arguments, stdin=b"")
    assert predictions.status == 2
    assert text in predictions.err
    assert predictions.out == ""


def test_not_a_run(command, images):
    predictions = command("predict", images, images / "red" / "8.png")
    assert predictions.status == 2
    assert "is not a run" in predictions.err


def test_no_arguments(command, run):
    assert command("predict", run.folder).status == 2


# What stands for images


def inputs(*arguments, stdin=b""):
    return list(find_inputs(arguments, io.BytesIO(stdin)))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Files of no content, in and beside folders."""
    monkeypatch.chdir(tmp_path)
    names = ["d/10.jpg", "d/2.jpg", "d/a/1.PNG", "d/.hidden.jpg", "d/.git/x.jpg", "d/notes.txt"]
    for name in [*names, "x[1].png", "b.png"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.usefixtures("tree")
def test_folders_in_natural_order_without_what_is_hidden():
    assert inputs("d") == [Input("d/2.jpg"), Input("d/10.jpg"), Input("d/a/1.PNG")]


def test_folder_linked_into_itself(tree):
    (tree / "d" / "a" / "again").symlink_to(tree / "d")
    assert len(inputs("d")) == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_folder_that_cannot_be_read(tree):
    (tree / "d" / "a").chmod(0)
    assert inputs("d")[-1].error.startswith("cannot read folder: ")
    (tree / "d" / "a").chmod(0o700)


@pytest.mark.usefixtures("tree")
def test_patterns():
    assert [one.path for one in inputs("d/*.jpg")] == ["d/2.jpg", "d/10.jpg"]
    assert [one.path for one in inputs("**/*.PNG")] == ["d/a/1.PNG"]
    assert [one.path for one in inputs("d/a*")] == ["d/a/1.PNG"]
    assert [one.path for one in inputs("x[1].png")] == ["x[1].png"]
    assert inputs("*.webp") == [Input("*.webp", "no file matches this pattern")]


@pytest.mark.usefixtures("tree")
def test_lists_are_taken_literally_and_end_names_by_newline_or_nul():
    assert inputs("-", stdin=b"x[1].png\nb.png") == [Input("x[1].png"), Input("b.png")]
    assert inputs("-", stdin=b"b.png\0a\nb.png\0") == [Input("b.png"), Input("a\nb.png")]
    assert inputs("-", stdin=b"\xef\xbb\xbfcaf\xe9.png\r\n") == [Input("caf\udce9.png")]
    assert inputs("b.png", "-", "d/2.jpg", stdin=b"d/10.jpg") == [
        Input("b.png"), Input("d/10.jpg"), Input("d/2.jpg")
    ]  # fmt: skip


def test_empty_folder_among_images_is_a_row(tree):
    (tree / "empty").mkdir()
    assert inputs("empty", "b.png") == [
        Input("empty", "no images in this folder"),
        Input("b.png"),
    ]
    with pytest.raises(UserError, match="no images in empty"):
        inputs("empty")


def test_long_list_in_small_pieces():
    class Slow(io.BytesIO):
        def read1(self, size=-1):
            return self.read(3)

    listed = b"\n".join(b"d/%d.jpg" % i for i in range(50))
    assert [one.path for one in find_inputs(["-"], Slow(listed))] == [
        f"d/{i}.jpg" for i in range(50)
    ]


# As a library, and as a part of a pipe


def test_predictions_come_before_all_paths_are_known(run, images):
    """An endless list: memory and waiting do not grow with the number of images."""
    endless = itertools.repeat(images / "red" / "8.png")
    predictions = list(
        itertools.islice(predict(run, endless, compute=Compute(batch_size=4, workers=2)), 9)
    )
    assert [one.classes[0] for one in predictions] == ["red"] * 9


def test_order_is_kept_over_batches_and_threads(run, images):
    paths = sorted(map(str, images.rglob("*.png"))) * 2
    predictions = list(predict(run.folder, paths, compute=Compute(batch_size=3, workers=4), top=1))
    assert [one.path for one in predictions] == paths
    assert all(one.probabilities[0] == pytest.approx(1, abs=0.7) for one in predictions)
    assert [len(one.classes) for one in predictions] == [1] * len(paths)


@pytest.mark.parametrize("wrong", [{"top": 0}, {"crops": 2}])
def test_wrong_settings_fail_before_anything_is_read(run, wrong):
    with pytest.raises(UserError):
        predict(run, ["x.png"], **wrong)


def test_a_batch_of_no_images_is_refused():
    with pytest.raises(UserError, match="batch_size"):
        Compute(batch_size=0)


@pytest.mark.slow
def test_reader_that_has_seen_enough(run, images):
    """`alexnet predict … | head -1` ends without a traceback."""
    code = "from alexnet.cli.main import main; main()"
    paths = [str(images)] * 300
    call = [sys.executable, "-c", code, "predict", str(run.folder), *paths, "--format", "jsonl"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["class"] in ("blue", "green", "red")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_probabilities_are_plain_numbers(run, images):
    one = next(predict(run, [images / "red" / "8.png"]))
    assert all(type(p) is float for p in one.probabilities)
    assert np.isclose(sum(one.probabilities), 1)
