"""Similar images equal distances in NumPy; cached features are reused."""

import shutil

import numpy as np
import pytest

from alexnet.backends import Compute
from alexnet.data import cache_entries
from alexnet.inspect import feature_cache
from alexnet.inspect.extraction import extract_features
from alexnet.inspect.neighbors import find_similar_images

from .conftest import draw


def expected_neighbors(run, query, folder, layer, tmp_path):
    """Return (distance, path) of all images in a folder except the query, in plain NumPy."""
    target = tmp_path / "expected.npy"
    extract_features(run, [folder], target, layer=layer, force=True)
    lines = target.with_suffix(".csv").read_text().splitlines()[1:]
    paths = [line.rsplit(",", 1)[0] for line in lines]
    values = np.load(target).reshape(len(paths), -1).astype(np.float64)
    own = values[paths.index(str(query))]
    neighbors = [
        (float(np.sqrt(((row - own) ** 2).sum())), path)
        for row, path in zip(values, paths, strict=True)
        if path != str(query)
    ]
    return sorted(neighbors)


@pytest.fixture
def folder(tmp_path):
    for seed in range(14):
        draw(tmp_path / "many" / ("rose" if seed % 2 else "daisy") / f"{seed}.png", seed)
    return tmp_path / "many"


@pytest.mark.parametrize("layer", ["relu7", "fc7", "pool5", "fc8"])
def test_neighbors_equal_numpy_distances(run, folder, tmp_path, layer):
    queries = [folder / "daisy" / "0.png", folder / "rose" / "7.png"]
    result = find_similar_images(
        run, queries, [folder], count=5, layer=layer, compute=Compute(batch_size=3)
    )
    assert result.num_searched == 14
    for query, one in zip(queries, result.queries, strict=True):
        expected = expected_neighbors(run, query, folder, layer, tmp_path)[:5]
        assert one.query.path == str(query)
        assert [n.path for n in one.neighbors] == [path for _, path in expected]
        np.testing.assert_allclose(
            [n.distance for n in one.neighbors], [d for d, _ in expected], rtol=1e-4
        )


def test_duplicates_are_neighbors_but_the_query_file_is_not(run, folder):
    query = folder / "rose" / "3.png"
    shutil.copy(query, folder / "daisy" / "copy.png")
    (first, second, *_) = find_similar_images(run, [query], [folder]).queries[0].neighbors
    assert first.path == str(folder / "daisy" / "copy.png")
    assert first.distance < 1e-3 * second.distance


@pytest.fixture
def computed(monkeypatch):
    """Record the images whose features are computed."""
    paths = []
    blocks = feature_cache.iterate_features

    def recording(opened, inputs, *arguments, **options):
        inputs = list(inputs)
        paths.extend(one.path for one in inputs)
        return blocks(opened, inputs, *arguments, **options)

    monkeypatch.setattr(feature_cache, "iterate_features", recording)
    return paths


def test_cached_features_are_not_recomputed(run, folder, computed):
    query = [folder / "rose" / "3.png"]
    first = find_similar_images(run, query, [folder]).queries[0].neighbors
    assert len(computed) == 14
    computed.clear()
    assert find_similar_images(run, query, [folder]).queries[0].neighbors == first
    assert computed == []
    assert [entry.kind for entry in cache_entries()].count("features") == 1


def test_only_new_and_changed_images_are_computed(run, folder, computed, tmp_path):
    query = folder / "rose" / "3.png"
    find_similar_images(run, [query], [folder])
    computed.clear()
    added = draw(folder / "daisy" / "new.png", 77)
    changed = draw(folder / "rose" / "5.png", 78)
    (folder / "rose" / "7.png").unlink()
    (folder / "daisy" / "2.png").rename(folder / "daisy" / "renamed.png")
    result = find_similar_images(run, [query], [folder], count=20)
    assert sorted(computed) == sorted([str(added), str(changed)])
    expected = expected_neighbors(run, query, folder, "relu7", tmp_path)
    assert [n.path for n in result.queries[0].neighbors] == [path for _, path in expected]


def test_features_are_cached_per_weights_and_layer(make_run, folder, computed, tmp_path):
    query = folder / "rose" / "3.png"
    find_similar_images(make_run("one"), [query], [folder])
    computed.clear()
    other = make_run("two", seed=5)
    result = find_similar_images(other, [query], [folder], count=4)
    assert len(computed) == 14
    expected = expected_neighbors(other, query, folder, "relu7", tmp_path)[:4]
    assert [n.path for n in result.queries[0].neighbors] == [path for _, path in expected]
    computed.clear()
    find_similar_images(other, [query], [folder], layer="fc7")
    assert len(computed) == 14


def test_moved_run_reuses_cached_features(make_run, folder, computed, tmp_path):
    run = make_run("one")
    find_similar_images(run, [folder / "rose" / "3.png"], [folder])
    computed.clear()
    run.folder.rename(tmp_path / "moved")
    find_similar_images(tmp_path / "moved", [folder / "rose" / "3.png"], [folder])
    assert computed == []


def test_unreadable_images_are_skipped_with_and_without_cache(run, folder):
    bad = folder / "rose" / "bad.png"
    bad.write_bytes(b"no image")
    for _ in range(2):
        result = find_similar_images(run, [folder / "rose" / "3.png"], [folder], count=50)
        assert result.num_searched == 14
        assert len(result.queries[0].neighbors) == 13
        assert result.notices[0].startswith("skipped 1 of 15 images, unreadable: ")
        assert str(bad) in result.notices[0]


def test_corrupt_cache_entry_is_recomputed(run, folder, computed):
    query = [folder / "rose" / "3.png"]
    first = [n.path for n in find_similar_images(run, query, [folder]).queries[0].neighbors]
    (entry,) = [entry for entry in cache_entries() if entry.kind == "features"]
    (entry.path / "features.npy").write_bytes(b"\x93NUMPY cut short")
    computed.clear()
    assert [n.path for n in find_similar_images(run, query, [folder]).queries[0].neighbors] == first
    assert len(computed) == 14


def test_command_prints_neighbors_and_writes_a_figure(command, run, folder, tmp_path):
    queries = [folder / "daisy" / "0.png", folder / "rose" / "3.png"]
    target = tmp_path / "alike.png"
    result = command("similar", run.folder, *queries, "--in", folder, "--count", 3, "-o", target)
    assert result.status == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == str(queries[0])
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert lines[4:6] == ["", str(queries[1])]
    assert lines[-1] == str(target)
    nearest = find_similar_images(run, queries, [folder]).queries[1].neighbors[0]
    assert lines[6].split() == ["1", f"{nearest.distance:.4g}", nearest.path]
    assert target.read_bytes().startswith(b"\x89PNG")


def test_folder_with_only_the_query_has_no_neighbors(command, run, tmp_path):
    query = draw(tmp_path / "one" / "1.png", 1)
    result = command(
        "similar", run.folder, query, "--in", tmp_path / "one", "-o", tmp_path / "a.png"
    )
    assert result.status == 0, result.err
    assert "no other images" in result.out


@pytest.mark.parametrize("which", ["query", "folder", "empty", "layer", "target"])
def test_invalid_arguments_exit_with_2(command, run, folder, tmp_path, which):
    query, layer, target = folder / "rose" / "3.png", "relu7", tmp_path / "a.png"
    (tmp_path / "empty").mkdir()
    if which == "query":
        query = tmp_path / "absent.png"
    elif which == "layer":
        layer = "relu77"
    elif which == "target":
        target = tmp_path / "a.bmp"
    among = {"folder": tmp_path / "absent", "empty": tmp_path / "empty"}.get(which, folder)
    result = command("similar", run.folder, query, "--in", among, "--layer", layer, "-o", target)
    assert result.status == 2
    message = {
        "query": f"cannot read {query}: no such file",
        "folder": f"cannot read {among}: no such file",
        "empty": "no images in",
        "layer": "did you mean 'relu7'",
        "target": ".png, .svg, .pdf",
    }[which]
    assert message in result.err
    assert result.err.count("\n") == 1
