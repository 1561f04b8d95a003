"""Nearest images against distances in NumPy; what is kept, and what is computed anew."""

import shutil

import numpy as np
import pytest

from alexnet.data import cache_entries
from alexnet.inspect import feature_cache
from alexnet.inspect import feature_cache as index
from alexnet.inspect.extraction import features
from alexnet.inspect.neighbors import similar

from .conftest import draw


def by_hand(run, query, folder, layer, tmp_path):
    """(distance, path) of all images in a folder but the query, in plain NumPy."""
    target = tmp_path / "by-hand.npy"
    features(run, [folder], target, layer=layer, force=True)
    lines = target.with_suffix(".csv").read_text().splitlines()[1:]
    paths = [line.rsplit(",", 1)[0] for line in lines]
    values = np.load(target).reshape(len(paths), -1).astype(np.float64)
    own = values[paths.index(str(query))]
    found = [
        (float(np.sqrt(((row - own) ** 2).sum())), path)
        for row, path in zip(values, paths, strict=True)
        if path != str(query)
    ]
    return sorted(found)


@pytest.fixture
def folder(tmp_path):
    for seed in range(14):
        draw(tmp_path / "many" / ("rose" if seed % 2 else "daisy") / f"{seed}.png", seed)
    return tmp_path / "many"


@pytest.mark.parametrize("layer", ["relu7", "fc7", "pool5", "fc8"])
def test_against_distances_by_hand(run, folder, tmp_path, layer):
    queries = [folder / "daisy" / "0.png", folder / "rose" / "7.png"]
    found = similar(run, queries, [folder], count=5, layer=layer, batch_size=3)
    assert found.searched == 14
    for query, one in zip(queries, found.queries, strict=True):
        expected = by_hand(run, query, folder, layer, tmp_path)[:5]
        assert one.query.path == str(query)
        assert [n.path for n in one.found] == [path for _, path in expected]
        np.testing.assert_allclose(
            [n.distance for n in one.found], [d for d, _ in expected], rtol=1e-4
        )


def test_a_copy_is_found_and_the_file_itself_is_not(run, folder):
    query = folder / "rose" / "3.png"
    shutil.copy(query, folder / "daisy" / "copy.png")
    (first, second, *_) = similar(run, [query], [folder]).queries[0].found
    assert first.path == str(folder / "daisy" / "copy.png")
    assert first.distance < 1e-3 * second.distance


@pytest.fixture
def computed(monkeypatch):
    """The images whose features the index computes, collected as it does so."""
    seen = []
    blocks = feature_cache.feature_blocks

    def noting(opened, inputs, *arguments, **options):
        inputs = list(inputs)
        seen.extend(one.path for one in inputs)
        return blocks(opened, inputs, *arguments, **options)

    monkeypatch.setattr(index, "feature_blocks", noting)
    return seen


def test_what_is_kept_is_not_computed_again(run, folder, computed):
    query = [folder / "rose" / "3.png"]
    first = similar(run, query, [folder]).queries[0].found
    assert len(computed) == 14
    computed.clear()
    assert similar(run, query, [folder]).queries[0].found == first
    assert computed == []
    assert [entry.kind for entry in cache_entries()].count("features") == 1


def test_of_a_changed_folder_only_what_changed_is_computed(run, folder, computed, tmp_path):
    query = folder / "rose" / "3.png"
    similar(run, [query], [folder])
    computed.clear()
    added = draw(folder / "daisy" / "new.png", 77)
    changed = draw(folder / "rose" / "5.png", 78)
    (folder / "rose" / "7.png").unlink()
    (folder / "daisy" / "2.png").rename(folder / "daisy" / "renamed.png")
    found = similar(run, [query], [folder], count=20)
    assert sorted(computed) == sorted([str(added), str(changed)])
    expected = by_hand(run, query, folder, "relu7", tmp_path)
    assert [n.path for n in found.queries[0].found] == [path for _, path in expected]


def test_other_weights_have_features_of_their_own(make_run, folder, computed, tmp_path):
    query = folder / "rose" / "3.png"
    similar(make_run("one"), [query], [folder])
    computed.clear()
    other = make_run("two", seed=5)
    found = similar(other, [query], [folder], count=4)
    assert len(computed) == 14
    expected = by_hand(other, query, folder, "relu7", tmp_path)[:4]
    assert [n.path for n in found.queries[0].found] == [path for _, path in expected]
    computed.clear()
    similar(other, [query], [folder], layer="fc7")
    assert len(computed) == 14


def test_a_moved_run_finds_its_features_again(make_run, folder, computed, tmp_path):
    run = make_run("one")
    similar(run, [folder / "rose" / "3.png"], [folder])
    computed.clear()
    run.folder.rename(tmp_path / "moved")
    similar(tmp_path / "moved", [folder / "rose" / "3.png"], [folder])
    assert computed == []


def test_unreadable_images_are_left_out_each_time(run, folder):
    bad = folder / "rose" / "bad.png"
    bad.write_bytes(b"no image")
    for _ in range(2):
        found = similar(run, [folder / "rose" / "3.png"], [folder], count=50)
        assert found.searched == 14
        assert len(found.queries[0].found) == 13
        assert found.notices[0].startswith("1 of 15 images left out, unreadable: ")
        assert str(bad) in found.notices[0]


def test_damaged_features_are_made_anew(run, folder, computed):
    query = [folder / "rose" / "3.png"]
    first = [n.path for n in similar(run, query, [folder]).queries[0].found]
    (entry,) = [entry for entry in cache_entries() if entry.kind == "features"]
    (entry.path / "features.npy").write_bytes(b"\x93NUMPY cut short")
    computed.clear()
    assert [n.path for n in similar(run, query, [folder]).queries[0].found] == first
    assert len(computed) == 14


def test_table_and_figure(command, run, folder, tmp_path):
    queries = [folder / "daisy" / "0.png", folder / "rose" / "3.png"]
    target = tmp_path / "alike.png"
    found = command("similar", run.folder, *queries, "--in", folder, "--count", 3, "-o", target)
    assert found.status == 0, found.err
    lines = found.out.splitlines()
    assert lines[0] == str(queries[0])
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert lines[4:6] == ["", str(queries[1])]
    assert lines[-1] == str(target)
    nearest = similar(run, queries, [folder]).queries[1].found[0]
    assert lines[6].split() == ["1", f"{nearest.distance:.4g}", nearest.path]
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_folder_with_the_query_alone(command, run, tmp_path):
    query = draw(tmp_path / "one" / "1.png", 1)
    found = command(
        "similar", run.folder, query, "--in", tmp_path / "one", "-o", tmp_path / "a.png"
    )
    assert found.status == 0, found.err
    assert "there is no other image" in found.out


@pytest.mark.parametrize("which", ["query", "folder", "empty", "layer", "target"])
def test_wrong_calls(command, run, folder, tmp_path, which):
    query, layer, target = folder / "rose" / "3.png", "relu7", tmp_path / "a.png"
    (tmp_path / "empty").mkdir()
    if which == "query":
        query = tmp_path / "absent.png"
    elif which == "layer":
        layer = "relu77"
    elif which == "target":
        target = tmp_path / "a.bmp"
    among = {"folder": tmp_path / "absent", "empty": tmp_path / "empty"}.get(which, folder)
    found = command("similar", run.folder, query, "--in", among, "--layer", layer, "-o", target)
    assert found.status == 2
    says = {
        "query": "absent.png cannot be read: does not exist",
        "folder": "absent cannot be read: does not exist",
        "empty": "no images in",
        "layer": "did you mean 'relu7'",
        "target": ".png, .svg, .pdf",
    }[which]
    assert says in found.err
    assert found.err.count("\n") == 1
