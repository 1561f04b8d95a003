"""Pretrained weights load with a matching architecture and preprocessing."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet import UserError, architecture, weights
from alexnet.config.hyperparameters import recipe
from alexnet.config.preprocessing import Preprocessing
from alexnet.pretrained.published import PUBLISHED, load_pretrained
from alexnet.run import BEST, LAST, Run
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS
from alexnet.weights.compatibility import fitting_sizes
from alexnet.weights.names import indexed

from ..serving import Server, serving


def shapes_only(net: Architecture, path: Path) -> Path:
    """Write a small `.pth` file with the right shapes: each array is one zero, expanded."""
    zero = torch.zeros(1)
    torch.save({name: zero.expand(shape) for name, shape in net.weight_shapes.items()}, path)
    return path


def small(variant: str) -> Architecture:
    return architecture(variant, widths=8, groups=1, hidden=16)


@pytest.fixture
def published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """Serve small stand-ins for published weights on the loopback address."""
    name = request.param
    net = small(name)
    monkeypatch.setitem(VARIANTS, name, net)
    arrays = indexed(weights.initial(net, 5)) if name == "owt" else weights.initial(net, 5)
    torch.save({key: torch.from_numpy(a) for key, a in arrays.items()}, tmp_path / "a.pth")
    with serving((tmp_path / "a.pth").read_bytes(), f"{name}.pth") as server:
        entry = dataclasses.replace(PUBLISHED[name], url=server.url, checksum=server.checksum)
        monkeypatch.setitem(PUBLISHED, name, entry)
        yield server


@pytest.mark.parametrize("published", ["owt", "bvlc", "caffenet"], indirect=True)
def test_published_weights_have_architecture_and_preprocessing(published: Server) -> None:
    (name,) = [n for n, entry in PUBLISHED.items() if entry.url == published.url]
    notices: list[str] = []
    pretrained = load_pretrained(name, notice=notices.append)
    assert pretrained.architecture == VARIANTS[name]
    expected = weights.initial(VARIANTS[name], 5)
    assert pretrained.weights.keys() == expected.keys()
    assert all((pretrained.weights[key] == expected[key]).all() for key in expected)
    assert pretrained.preprocessing == PUBLISHED[name].preprocessing
    assert pretrained.classes is None
    assert len(notices) == 1
    assert load_pretrained(name, offline=True).source == pretrained.source


@pytest.mark.parametrize("published", ["bvlc"], indirect=True)
def test_published_file_is_recognized_by_its_checksum(published: Server, tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(published.content)
    pretrained = load_pretrained(str(tmp_path / "mine.pth"))
    assert pretrained.architecture.variant == "bvlc"
    assert pretrained.preprocessing == PUBLISHED["bvlc"].preprocessing
    assert published.ranges == []


def test_published_entries_match_their_publishers() -> None:
    """torchvision puts the SHA-256 in the file name; Caffe models take 227 pixels in BGR."""
    owt, bvlc = PUBLISHED["owt"], PUBLISHED["bvlc"]
    assert owt.checksum.removeprefix("sha256:").startswith(owt.url[-12:-4])
    assert len(owt.checksum) == len("sha256:") + 2 * hashlib.sha256().digest_size
    assert len(bvlc.checksum) == len("sha1:") + 2 * hashlib.sha1().digest_size
    for name, entry in PUBLISHED.items():
        assert VARIANTS[entry.variant].num_classes == entry.classes
        assert entry.preprocessing.crop_px == VARIANTS[name].image_size
        assert entry.preprocessing.resize_px == 256
    # (v / 255 - 0.485) / 0.229 for white and the first channel.
    white = (255 - owt.preprocessing.mean[0]) / owt.preprocessing.std[0]
    assert white == pytest.approx((1 - 0.485) / 0.229)
    red, _, blue = bvlc.preprocessing.mean
    assert red > blue  # natural images are warmer than gray


def test_variant_of_a_file_is_inferred_from_its_shapes(tmp_path: Path) -> None:
    for variant in ("half", "owt"):
        file = shapes_only(architecture(variant, num_classes=7), tmp_path / f"{variant}.pth")
        pretrained = load_pretrained(str(file))
        assert pretrained.architecture == VARIANTS[variant]
        assert pretrained.preprocessing is None
    file = shapes_only(architecture("half", in_channels=1), tmp_path / "gray.pth")
    assert load_pretrained(str(file), changes={"in_channels": "1"}).architecture.in_channels == 1


@pytest.mark.parametrize(
    ("variant", "message"),
    [("full", "fits full, full-227, which differ"), ("bvlc", "fits paper, bvlc, caffenet, which")],
)
def test_file_that_fits_several_variants_requires_variant(
    variant: str, message: str, tmp_path: Path
) -> None:
    file = str(shapes_only(VARIANTS[variant], tmp_path / "file.pth"))
    with pytest.raises(UserError, match=message) as error:
        load_pretrained(file)
    assert "--variant" in str(error.value)
    assert load_pretrained(file, variant=variant).architecture == VARIANTS[variant]


def test_error_for_a_file_that_fits_no_variant_names_the_nearest(tmp_path: Path) -> None:
    file = str(shapes_only(architecture("half", hidden=(2048, 1000)), tmp_path / "file.pth"))
    with pytest.raises(UserError, match=r"fits no variant; half is the nearest and differs in fc7"):
        load_pretrained(file)
    changes = {"hidden": "2048,1000"}
    assert load_pretrained(file, changes=changes).architecture.hidden == (2048, 1000)
    torch.save({"conv1.bias": torch.zeros(8)}, file)
    with pytest.raises(UserError, match="is not an AlexNet"):
        load_pretrained(file)


def test_error_for_another_image_size_names_the_fitting_sizes(tmp_path: Path) -> None:
    file = str(shapes_only(architecture("half", image_size=64), tmp_path / "file.pth"))
    with pytest.raises(
        UserError, match=r"fits half, or a variant like it.* use --image-size 63 to 94"
    ):
        load_pretrained(file)
    pretrained = load_pretrained(file, variant="half", changes={"image_size": 64})
    assert pretrained.architecture.image_size == 64
    assert load_pretrained(file, changes={"image_size": 64}).architecture.variant == "half"
    with pytest.raises(UserError, match="fc6 takes 128 inputs, but half produces 1152"):
        load_pretrained(file, variant="half", changes={"image_size": 128})


def test_too_small_image_size_is_rejected(tmp_path: Path) -> None:
    file = str(shapes_only(VARIANTS["owt"], tmp_path / "file.pth"))
    # Smaller than the minimum of bvlc, which has no padding.
    assert load_pretrained(file, changes={"image_size": 64}).architecture.variant == "owt"
    with pytest.raises(UserError, match="the minimum image_size is 63"):
        load_pretrained(file, changes={"image_size": 60})


def test_fitting_sizes_are_exact() -> None:
    net = architecture("half", image_size=64)
    low, high = map(int, fitting_sizes(net, 128).split(" to "))
    fc6 = {
        size: architecture("half", image_size=size).weight_shapes["fc6.weight"][1]
        for size in (low, high, high + 1)
    }
    assert fc6 == {low: 128, high: 128, high + 1: 512}
    assert fitting_sizes(architecture("owt"), 256 * 6 * 6) == "63 or more"
    assert fitting_sizes(net, 100) == ""


def test_error_for_weights_of_another_variant_names_it(tmp_path: Path) -> None:
    file = str(shapes_only(architecture("half", num_classes=7), tmp_path / "file.pth"))
    with pytest.raises(UserError) as error:
        load_pretrained(file, variant="owt")
    assert str(error.value) == (
        f"{file}: the weights do not fit the architecture 'owt': their shapes are those of half; "
        "choose the variant half"
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    net = architecture("half", widths=8, hidden=16, image_size=63, num_classes=2)
    run = Run(
        folder=tmp_path / "run",
        architecture=net,
        recipe=recipe("fast"),
        preprocessing=Preprocessing(resize_px=72, crop_px=63, mean_image="mean_image.npy"),
        classes=("blue", "red"),
    )
    run.save()
    np.save(run.folder / "mean_image.npy", np.full((72, 72, 3), 99, np.float32))
    weights.write(weights.initial(net, 1), run.folder / BEST)
    weights.write(weights.initial(net, 2), run.folder / LAST)
    return run


def test_run_has_architecture_preprocessing_classes_and_mean_image(run: Run) -> None:
    pretrained = load_pretrained(str(run.folder))
    assert pretrained.architecture == run.architecture
    assert pretrained.preprocessing == run.preprocessing
    assert pretrained.classes == ("blue", "red")
    assert pretrained.mean_image is not None
    assert pretrained.mean_image.mean() == 99
    first = weights.initial(run.architecture, 1)
    assert (pretrained.weights["conv1.weight"] == first["conv1.weight"]).all()
    last = load_pretrained(str(run.folder / LAST))
    assert last.classes == ("blue", "red")
    assert (last.weights["conv1.weight"] != first["conv1.weight"]).any()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ovt", "did you mean 'owt'"),
        ("no/such.pth", "no such run or weights file: no/such.pth"),
        ("weights.pth", "no such run or weights file: weights.pth"),
        (".", "is not a run"),
    ],
)
def test_missing_weights_are_rejected(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        load_pretrained(name)
