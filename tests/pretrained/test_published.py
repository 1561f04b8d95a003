"""Weights that people have, opened with the network that they fit."""

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
from alexnet.pretrained.published import PUBLISHED, open_pretrained
from alexnet.run import BEST, LAST, Run
from alexnet.spec.architectures import VARIANTS, Architecture
from alexnet.weights.compatibility import fitting_sizes
from alexnet.weights.names import indexed

from ..serving import Server, serving


def shapes_only(net: Architecture, path: Path) -> Path:
    """A `.pth` file of the right shapes that is small: each array is one zero, repeated."""
    zero = torch.zeros(1)
    torch.save({name: zero.expand(shape) for name, shape in net.weight_shapes.items()}, path)
    return path


def small(variant: str) -> Architecture:
    return architecture(variant, widths=8, groups=1, hidden=16)


@pytest.fixture
def published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """The named weights as they are published, but small and on the loopback address."""
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
def test_published_weights_come_with_network_and_preprocessing(published: Server) -> None:
    (name,) = [n for n, entry in PUBLISHED.items() if entry.url == published.url]
    said: list[str] = []
    found = open_pretrained(name, notice=said.append)
    assert found.architecture == VARIANTS[name]
    expected = weights.initial(VARIANTS[name], 5)
    assert found.weights.keys() == expected.keys()
    assert all((found.weights[key] == expected[key]).all() for key in expected)
    assert found.preprocessing == PUBLISHED[name].preprocessing
    assert found.classes is None
    assert len(said) == 1
    assert open_pretrained(name, offline=True).source == found.source


@pytest.mark.parametrize("published", ["bvlc"], indirect=True)
def test_a_published_file_is_known_under_any_name(published: Server, tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(published.content)
    found = open_pretrained(str(tmp_path / "mine.pth"))
    assert found.architecture.variant == "bvlc"
    assert found.preprocessing == PUBLISHED["bvlc"].preprocessing
    assert published.ranges == []


def test_the_published_ones_are_what_their_publishers_say() -> None:
    """Torchvision names the file by its SHA-256; Caffe's nets take 227 pixels, blue first."""
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
    assert red > blue  # images of the world are warmer than gray


def test_the_variant_of_a_file_is_the_one_it_fits(tmp_path: Path) -> None:
    for variant in ("half", "owt"):
        file = shapes_only(architecture(variant, num_classes=7), tmp_path / f"{variant}.pth")
        found = open_pretrained(str(file))
        assert found.architecture == VARIANTS[variant]
        assert found.preprocessing is None
    file = shapes_only(architecture("half", in_channels=1), tmp_path / "gray.pth")
    assert open_pretrained(str(file), changes={"in_channels": "1"}).architecture.in_channels == 1


@pytest.mark.parametrize(
    ("variant", "says"),
    [("full", "fits full, full-227, which differ"), ("bvlc", "fits paper, bvlc, caffenet, which")],
)
def test_a_file_that_fits_several_needs_the_variant(
    variant: str, says: str, tmp_path: Path
) -> None:
    file = str(shapes_only(VARIANTS[variant], tmp_path / "file.pth"))
    with pytest.raises(UserError, match=says) as error:
        open_pretrained(file)
    assert "--variant" in str(error.value)
    assert open_pretrained(file, variant=variant).architecture == VARIANTS[variant]


def test_a_file_that_fits_none_names_the_nearest(tmp_path: Path) -> None:
    file = str(shapes_only(architecture("half", hidden=(2048, 1000)), tmp_path / "file.pth"))
    with pytest.raises(UserError, match=r"fits no variant; half is the nearest and differs in fc7"):
        open_pretrained(file)
    changes = {"hidden": "2048,1000"}
    assert open_pretrained(file, changes=changes).architecture.hidden == (2048, 1000)
    torch.save({"conv1.bias": torch.zeros(8)}, file)
    with pytest.raises(UserError, match="holds no AlexNet"):
        open_pretrained(file)


def test_a_file_for_other_images_says_which(tmp_path: Path) -> None:
    file = str(shapes_only(architecture("half", image_size=64), tmp_path / "file.pth"))
    with pytest.raises(UserError, match=r"of half or one like it.* use --image-size 63 to 94"):
        open_pretrained(file)
    found = open_pretrained(file, variant="half", changes={"image_size": 64})
    assert found.architecture.image_size == 64
    assert open_pretrained(file, changes={"image_size": 64}).architecture.variant == "half"
    with pytest.raises(UserError, match=r"fc6 takes 128 values, and half makes 1152 of an image"):
        open_pretrained(file, variant="half", changes={"image_size": 128})


def test_a_image_too_small_for_the_weights_is_said(tmp_path: Path) -> None:
    file = str(shapes_only(VARIANTS["owt"], tmp_path / "file.pth"))
    # Smaller than what bvlc, which has no padding, can take.
    assert open_pretrained(file, changes={"image_size": 64}).architecture.variant == "owt"
    with pytest.raises(UserError, match="the least image_size is 63"):
        open_pretrained(file, changes={"image_size": 60})


def test_every_size_that_is_said_to_fit_does() -> None:
    net = architecture("half", image_size=64)
    low, high = map(int, fitting_sizes(net, 128).split(" to "))
    fc6 = {
        size: architecture("half", image_size=size).weight_shapes["fc6.weight"][1]
        for size in (low, high, high + 1)
    }
    assert fc6 == {low: 128, high: 128, high + 1: 512}
    assert fitting_sizes(architecture("owt"), 256 * 6 * 6) == "63 or more"
    assert fitting_sizes(net, 100) == ""


def test_weights_of_another_variant_are_said_in_one_line(tmp_path: Path) -> None:
    file = str(shapes_only(architecture("half", num_classes=7), tmp_path / "file.pth"))
    with pytest.raises(UserError) as error:
        open_pretrained(file, variant="owt")
    assert str(error.value) == (
        f"{file}: the weights do not fit the architecture 'owt': their shapes are those of half; "
        "choose the variant half"
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    net = architecture("half", widths=8, hidden=16, image_size=63, num_classes=2)
    made = Run(
        folder=tmp_path / "run",
        architecture=net,
        recipe=recipe("fast"),
        preprocessing=Preprocessing(resize_px=72, crop_px=63, mean_image="mean_image.npy"),
        classes=("blue", "red"),
    )
    made.save()
    np.save(made.folder / "mean_image.npy", np.full((72, 72, 3), 99, np.float32))
    weights.write(weights.initial(net, 1), made.folder / BEST)
    weights.write(weights.initial(net, 2), made.folder / LAST)
    return made


def test_a_run_comes_with_all_it_knows(run: Run) -> None:
    found = open_pretrained(str(run.folder))
    assert found.architecture == run.architecture
    assert found.preprocessing == run.preprocessing
    assert found.classes == ("blue", "red")
    assert found.mean_image is not None
    assert found.mean_image.mean() == 99
    first = weights.initial(run.architecture, 1)
    assert (found.weights["conv1.weight"] == first["conv1.weight"]).all()
    last = open_pretrained(str(run.folder / LAST))
    assert last.classes == ("blue", "red")
    assert (last.weights["conv1.weight"] != first["conv1.weight"]).any()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ovt", "did you mean 'owt'"),
        ("no/such.pth", "no/such.pth: no such run or weights file"),
        ("weights.pth", "weights.pth: no such run or weights file"),
        (".", "is not a run"),
    ],
)
def test_what_is_not_there(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        open_pretrained(name)
