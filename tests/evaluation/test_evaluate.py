"""`alexnet evaluate` as a person meets it: its text, its status, its files."""

import csv
import json
import os
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from alexnet import architecture, weights
from alexnet.backends import Compute
from alexnet.errors import UserError
from alexnet.evaluation import NotSavedError, evaluate
from alexnet.run import DataRecord, Run

CPU = Compute(device="cpu")


def in_words(evaluation):
    return " ".join((evaluation.out + evaluation.err).split())


def test_figures_on_screen_and_files_beside_the_run(command, run, images):
    evaluation = command("evaluate", run.folder, images)
    assert evaluation.status == 0
    text = in_words(evaluation)
    assert "13 images, center crop" in text
    assert "top-1 92.3% 95% CI 66.7% to 98.6%" in text
    assert "top-3 100.0%" in text
    assert "red 5 100.0% 80.0% 88.9% green (1)" in text
    folder = run.folder / "evaluation" / "images"
    assert str(folder) in text
    assert sorted(p.name for p in folder.iterdir()) == [
        "confusion.png",
        "metrics.json",
        "mistakes.png",
        "predictions.csv",
    ]
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(folder / name) as image:
            image.load()
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = [row for row in rows if row["truth"] != row["prediction"]]
    assert len(rows) == 13
    assert [(row["path"], row["truth"], row["prediction"]) for row in wrong] == [
        (str(images / "red" / "leaf.png"), "red", "green")
    ]
    assert 1 / 3 < float(wrong[0]["confidence"]) <= 1


def test_json_alone_on_standard_output(command, run, images):
    evaluation = command("evaluate", run.folder, images, "--json", "-")
    value = json.loads(evaluation.out)
    assert evaluation.status == 0
    assert value["top1"] == 12 / 13
    assert value["confusion"] == [[4, 0, 0], [0, 4, 0], [0, 1, 4]]
    assert value["mistakes"][0]["path"].endswith("leaf.png")
    assert "13 images" in evaluation.err


def test_json_in_a_file_beside_the_tables(command, run, images, tmp_path):
    evaluation = command("evaluate", run.folder, images, "--json", tmp_path / "figures.json")
    assert "top-1" in evaluation.out
    assert json.loads((tmp_path / "figures.json").read_text())["count"] == 13


@pytest.mark.parametrize("option", ["--json", "--output-dir"])
def test_target_that_cannot_be_written_is_refused_before_the_work(
    command, run, images, tmp_path, option
):
    (tmp_path / "file").write_text("no folder")
    evaluation = command("evaluate", run.folder, images, option, tmp_path / "file" / "such.json")
    assert evaluation.status == 2
    assert evaluation.out == ""
    (line,) = evaluation.err.splitlines()
    assert "such.json" in line
    assert f"{tmp_path / 'file'}" in line


def test_json_beside_a_folder_of_that_name(command, run, images, tmp_path):
    evaluation = command("evaluate", run.folder, images, "--json", tmp_path)
    assert evaluation.status == 2
    assert "it is a folder" in evaluation.err


def test_classes_are_matched_by_name_not_by_place(make_run, images):
    other_order = make_run("other", classes=("red", "blue", "green"))
    evaluation = evaluate(other_order, images, compute=CPU)
    assert evaluation.metrics.top1 == 12 / 13
    assert evaluation.metrics.classes == ("red", "blue", "green")
    assert evaluation.metrics.confusion.tolist() == [[4, 0, 1], [0, 4, 0], [0, 0, 4]]


def test_one_name_written_in_two_ways_is_one_class():
    from alexnet.data import Dataset, Sample
    from alexnet.evaluation.evaluator import _match

    class Known:
        classes = (unicodedata.normalize("NFD", "café"), "tea")
        folder = "run"

    data = Dataset("d", "d", (unicodedata.normalize("NFC", "café"),), (Sample("a", 0, "all"),))
    assert _match(data.samples, data, Known).tolist() == [0]


def test_class_that_the_model_does_not_know(command, run, images):
    (images / "red").rename(images / "crimson")
    evaluation = command("evaluate", run.folder, images)
    assert evaluation.status == 2
    assert evaluation.out == ""
    (line,) = evaluation.err.splitlines()
    assert "does not have class crimson" in line
    assert "it has blue, green, red" in line


def test_fewer_classes_than_the_model_has(command, run, images):
    shutil.rmtree(images / "blue")
    evaluation = command("evaluate", run.folder, images)
    assert evaluation.status == 0
    assert "1 of the model's 3 classes has no images here" in evaluation.err
    assert "blue" in evaluation.err
    assert "blue 0 - - - " in in_words(evaluation) + " "


def in_splits(images, *names):
    for name in names:
        shutil.copytree(images, images.parent / "split" / name)
    return images.parent / "split"


def test_validation_images_of_data_that_is_split(command, run, images):
    data = in_splits(images, "train", "val")
    image_count = len(list((data / "val").rglob("*.png")))
    evaluation = command("evaluate", run.folder, data)
    assert f"val of {data}, {image_count} images" in evaluation.err
    assert (run.folder / "evaluation" / "split-val").is_dir()


def test_missing_split_names_those_that_are_there(command, run, images):
    evaluation = command(
        "evaluate", run.folder, in_splits(images, "train", "val"), "--split", "test"
    )
    assert evaluation.status == 2
    assert "'test'; it has train (13 images), val (13 images)" in evaluation.err


def test_data_without_splits_has_no_val(command, run, images):
    evaluation = command("evaluate", run.folder, images, "--split", "val")
    assert evaluation.status == 2
    assert (
        "is not split, so it has no 'val' (a split that training made by content hash"
        in evaluation.err
    )
    assert "without --split all of it is evaluated" in evaluation.err


def test_unknown_split(run, images):
    with pytest.raises(
        UserError, match="invalid value for split: expected train, val, test or all"
    ):
        evaluate(run, images, split="tset")


def test_split_that_the_run_made_itself_is_made_again(make_run, images):
    from alexnet import data

    run = make_run(data=DataRecord(root=str(images), split_by="hash"))
    val = data.with_split(data.find(images), run.recipe.val_fraction).split("val")
    evaluation = evaluate(run, images, compute=CPU)
    assert list(evaluation.paths) == [sample.path for sample in val]
    assert evaluation.split == "val"
    everything = evaluate(run, images, split="all", compute=CPU)
    assert len(everything.paths) == 13
    assert "metrics are too optimistic" in " ".join(everything.notices)


@pytest.fixture
def trained(images, tmp_path):
    """A run that was really trained on the images, which it split by itself."""
    from alexnet.config.hyperparameters import recipe
    from alexnet.training import train

    outcome = train(
        images,
        changes={"widths": 8, "hidden": 16},
        recipe=recipe("fast", image_size=64, epochs=1, min_steps=1),
        output_dir=tmp_path / "trained",
    )
    return outcome.run


def test_images_of_the_training_are_known_again_in_any_form(trained, images, tmp_path):
    moved = shutil.copytree(images, tmp_path / "copy" / "of them")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", images)
    paths = sorted(moved.rglob("*.png"))
    table = tmp_path / "table.csv"
    table.write_text("path,label\n" + "".join(f"{p},{p.parent.name}\n" for p in paths))
    of_training = evaluate(trained, images, compute=CPU)
    for form in (moved, archive, table):
        evaluation = evaluate(trained, form, compute=CPU)
        assert evaluation.split == "val"
        assert evaluation.metrics.top1 == of_training.metrics.top1
        assert len(evaluation.paths) == len(of_training.paths)
        assert "too optimistic" not in " ".join(evaluation.notices)
        everything = evaluate(trained, form, split="all", compute=CPU)
        count = len(paths) - len(evaluation.paths)
        message = (
            f"the network was trained on {count} of these images: the metrics are too optimistic"
        )
        assert message in everything.notices


def test_a_run_that_did_not_keep_its_images_says_that_they_may_be_among_them(
    trained, images, tmp_path
):
    (trained.folder / "trained_on.npy").unlink()
    moved = shutil.copytree(images, tmp_path / "moved")
    (message,) = [n for n in evaluate(trained, moved, compute=CPU).notices if "trained_on.npy" in n]
    assert "may be among them" in message
    assert message.endswith("evaluate on new images, or train again")
    assert "trained_on.npy" not in " ".join(evaluate(trained, images, compute=CPU).notices)


def test_other_images_with_a_few_of_the_training(trained, images, tmp_path):
    from ..run_fixtures import image

    other = tmp_path / "other"
    for i in range(4):
        image(other / "red" / f"{i}.png", "red", seed=200 + i)
    assert "too optimistic" not in " ".join(evaluate(trained, other, compute=CPU).notices)
    (known,) = [p for p in (images / "red").iterdir() if p.name == "leaf.png"]
    shutil.copy(known, other / "red")
    split = {p.split("/")[-1] for p in evaluate(trained, images, compute=CPU).paths}
    evaluation = evaluate(trained, other, compute=CPU)
    assert evaluation.split == "all"
    warned = "the network was trained on 1 of these images: the metrics are too optimistic"
    assert (warned in evaluation.notices) == ("leaf.png" not in split)


def test_a_folder_and_a_table_in_it_have_titles_and_folders_of_their_own(run, images):
    from alexnet.evaluation.files import _title

    paths = sorted(images.rglob("*.png"))
    table = images / "images.csv"
    table.write_text("path,label\n" + "".join(f"{p},{p.parent.name}\n" for p in paths))
    evaluation = [evaluate(run, data, compute=CPU) for data in (images, table)]
    assert [one.folder.name for one in evaluation] == ["images", "images.csv"]
    titles = [_title(one) for one in evaluation]
    assert titles[0].endswith("/images")
    assert titles[1].endswith("/images.csv")


def test_mistakes_of_a_network_for_gray_images_are_gray(images, tmp_path):
    from alexnet.config.hyperparameters import recipe
    from alexnet.training import train

    run = train(
        images,
        changes={"widths": 8, "hidden": 16, "in_channels": 1},
        recipe=recipe("fast", image_size=64, epochs=1, min_steps=1),
        output_dir=tmp_path / "gray",
    ).run
    evaluation = evaluate(run, images, split="all", compute=CPU)
    assert evaluation.mistakes()
    with Image.open(evaluation.folder / "mistakes.png") as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    colorful = drawn.max(axis=-1) - drawn.min(axis=-1) > 150
    assert colorful.mean() < 0.02  # nothing but the letters of what they were taken for


def test_broken_image_is_left_out_and_named(command, run, images):
    (images / "blue" / "empty.png").write_bytes(b"")
    evaluation = command("evaluate", run.folder, images)
    assert evaluation.status == 0
    assert "skipped 1 of 14 images, unreadable: " in evaluation.err
    assert "empty.png (the file is empty)" in evaluation.err
    assert "13 images" in evaluation.out


def test_nothing_but_broken_images(command, run, tmp_path):
    (tmp_path / "bad" / "red").mkdir(parents=True)
    (tmp_path / "bad" / "red" / "a.png").write_bytes(b"not an image")
    evaluation = command("evaluate", run.folder, tmp_path / "bad")
    assert evaluation.status == 2
    assert "cannot read " in evaluation.err.splitlines()[-1]


def test_ten_crops_have_a_folder_of_their_own(command, run, images):
    evaluation = command("evaluate", run.folder, images, "--crops", 10)
    assert "ten crops" in evaluation.out
    assert (run.folder / "evaluation" / "images-ten-crops" / "metrics.json").is_file()
    assert command("evaluate", run.folder, images, "--crops", 5).status == 2


def test_other_data_of_the_same_name_is_not_written_over(run, images, tmp_path):
    again = shutil.copytree(images, tmp_path / "elsewhere" / "images")
    folders = [evaluate(run, data, compute=CPU).folder for data in (images, again, images)]
    assert [folder.name for folder in folders] == ["images", "images-2", "images"]


def test_files_that_cannot_be_written_do_not_cost_the_figures(command, run, images):
    (run.folder / "evaluation").write_text("a file, and not a folder")
    evaluation = command("evaluate", run.folder, images)
    assert evaluation.status == 1
    assert "92.3%" in evaluation.out
    last = evaluation.err.splitlines()[-1]
    assert str(run.folder) in last
    assert "choose another folder with --output-dir" in last
    with pytest.raises(NotSavedError) as failure:
        evaluate(run, images, compute=CPU)
    assert failure.value.evaluation.metrics.count == 13


@pytest.mark.parametrize("broken", ["absent", "empty folder", "no weights", "cut short"])
def test_what_is_no_run(command, run, images, tmp_path, broken):
    weights, folder = run.folder / "best.safetensors", run.folder
    if broken == "absent":
        folder = tmp_path / "nowhere"
    elif broken == "empty folder":
        folder = tmp_path
    elif broken == "no weights":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:-100])
    evaluation = command("evaluate", folder, images)
    assert evaluation.status == 2
    assert len(evaluation.err.splitlines()) == 1
    assert "Traceback" not in evaluation.err


def test_names_of_any_kind(command, make_run, images, tmp_path):
    names = {"blue": "[bold]蓝", "green": 'a,b "c"', "red": "caf\udce9\x1b[31m"}
    run = make_run()
    renamed = Run(
        folder=run.folder,
        architecture=run.architecture,
        recipe=run.recipe,
        preprocessing=run.preprocessing,
        classes=tuple(names.values()),
    )
    renamed.save()
    for color, name in names.items():
        (images / color).rename(images / name)
    evaluation = command("evaluate", run.folder, images, "--json", tmp_path / "f.json")
    assert evaluation.status == 0
    assert "[bold]蓝" in evaluation.out
    assert "\\xe9\\x1b[31m" in evaluation.out
    assert "\x1b" not in evaluation.out
    value = json.loads((tmp_path / "f.json").read_text())
    assert set(value["classes"]) == set(names.values())
    path = run.folder / "evaluation" / "images" / "predictions.csv"
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["truth"] for row in rows} == set(names.values())
    assert all(os.path.exists(row["path"]) for row in rows)  # noqa: PTH110


def test_many_classes_show_the_worst(capsys):
    from rich.console import Console

    from alexnet.cli.evaluate_command import _show_classes
    from alexnet.evaluation import measure

    p = np.eye(40)
    p[7], p[7, 8] = 0, 1
    metrics = measure(p, np.arange(40), [f"class {i}" for i in range(40)])
    _show_classes(metrics, Console(width=200))
    out = capsys.readouterr().out
    assert out.index("class 7 ") < out.index("class 8 ") < out.index("class 0 ")
    assert "the 15 lowest of 40 classes" in out


def test_weights_that_are_not_the_runs_are_said_in_a_line(command, run, images):
    other = architecture("half", image_size=64, widths=(4, 4, 4, 4, 4), hidden=3, num_classes=3)
    weights.write(weights.initial(other, 0), run.folder / "best.safetensors")
    for call in (("evaluate", run.folder, images), ("predict", run.folder, images)):
        evaluation = command(*call)
        assert evaluation.status == 2
        assert len(evaluation.err.splitlines()) == 1
        expected = "conv1.weight has shape (4, 3, 11, 11), expected (3, 3, 11, 11), and "
        assert expected in evaluation.err
        assert evaluation.err.endswith("restore the file that training wrote\n")
