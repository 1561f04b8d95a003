"""The validation set depends on contents only: stable, and without duplicates across splits."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alexnet.data import Dataset, Sample, find, require_trainable, with_split
from alexnet.errors import UserError

from .conftest import MakeImage, noise


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the paths of images that all differ."""
    folder = tmp_path_factory.mktemp("files")
    paths = [folder / f"{i}.png" for i in range(200)]
    for i, path in enumerate(paths):
        noise(i).save(path)
    return [str(path) for path in paths]


def dataset(samples: list[tuple[str, int]], split: str = "all") -> Dataset:
    split_by = "none" if split == "all" else "folders"
    images = tuple(Sample(path, label, split) for path, label in samples)
    return Dataset("data", Path("data"), ("a", "b"), images, split_by)


def splits_of(data: Dataset) -> dict[tuple[str, int], str]:
    return {(s.path, s.label): s.split for s in with_split(data).samples}


def test_val_fraction(files: list[str]) -> None:
    data = dataset([(path, i % 2) for i, path in enumerate(files)])
    split = with_split(data)
    assert split.split_by == "hash"
    assert len(split.samples) == 200
    assert 20 <= len(split.split("val")) <= 60
    assert len(with_split(data, 0.5).split("val")) > 70
    assert set(split.split("val")) == {s._replace(split="val") for s in split.split("val")}
    with pytest.raises(UserError, match="val_fraction: expected above 0 and below 1, got 1"):
        with_split(data, 1)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(order=st.permutations(range(200)), count=st.integers(60, 150))
def test_images_stay_in_their_split_when_others_are_added(
    files: list[str], order: list[int], count: int
) -> None:
    samples = [(files[i], i % 2) for i in order]
    few, many = splits_of(dataset(samples[:count])), splits_of(dataset(samples))
    assert all(many[key] == split for key, split in few.items())


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(picks=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=12))
def test_small_classes_have_both_splits_and_duplicates_share_one(
    files: list[str], picks: list[tuple[int, int]]
) -> None:
    samples = [(files[i], label) for i, label in picks]
    split = with_split(dataset(samples))
    of_content: dict[str, set[str]] = {}
    for sample in split.samples:
        of_content.setdefault(sample.path, set()).add(sample.split)
    assert all(len(splits) == 1 for splits in of_content.values())
    labels_of = {label: {i for i, own in picks if own == label} for label in (0, 1)}
    for label, contents in labels_of.items():
        here = {s.split for s in split.samples if s.label == label}
        if contents:
            assert "train" in here
        if len(contents) > 1 and not contents & labels_of[1 - label]:
            assert here == {"train", "val"}


def test_split_is_independent_of_file_names_and_folders(flat: Path, tmp_path: Path) -> None:
    before = with_split(find(flat))
    shutil.copytree(flat, tmp_path / "moved")
    for path in list((tmp_path / "moved").rglob("*.png")):
        path.rename(path.with_name("x" + path.name))
    after = with_split(find(tmp_path / "moved"))
    assert [Path(s.path).name for s in after.split("val")] == [
        "x" + Path(s.path).name for s in before.split("val")
    ]


def test_train_without_val_is_split_and_test_is_unchanged(image: MakeImage, tmp_path: Path) -> None:
    for i in range(40):
        image(f"data/train/{'ab'[i % 2]}/{i}.png", seed=i)
    image("data/test/a/1.png", seed=1)
    split = with_split(find(tmp_path / "data"))
    assert len(split.split("test")) == 1
    assert len(split.split("val")) + len(split.split("train")) == 40
    require_trainable(split)


def test_existing_splits_are_unchanged(files: list[str]) -> None:
    data = dataset([(path, 0) for path in files], "val")
    assert with_split(data) is data


def test_unreadable_files_do_not_fill_the_validation_set_of_small_classes(
    image: MakeImage, tmp_path: Path
) -> None:
    for seed in range(6):
        for i in range(3):
            image(f"data/{seed}/{i}.png", seed=10 * seed + i)
        for i in range(3):
            (tmp_path / f"data/{seed}/bad{i}.png").write_bytes(b"" if i else b"%d" % seed)
    split = with_split(find(tmp_path / "data"))
    assert all(count for count in split.counts("val").values())
    assert not [s for s in split.split("val") if Path(s.path).stat().st_size == 0]


def test_a_class_of_duplicates_stays_in_train_with_a_notice(
    image: MakeImage, tmp_path: Path
) -> None:
    for i in range(12):
        image(f"data/a/{i}.png", seed=i)
        image(f"data/b/{i}.png", seed=99)
    split = with_split(find(tmp_path / "data"))
    assert split.counts("train")["b"] == 12
    assert split.notices == ("no validation images for class b",)
