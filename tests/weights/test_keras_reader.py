"""Keras' files against Keras itself: what it saves is read, and what is written it loads."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alexnet import AlexNet, Architecture, architecture, weights

SCRIPT = Path(__file__).with_name("keras_nets.py")
BACKENDS = [name for name in ("tensorflow", "jax") if importlib.util.find_spec(name)]
WAYS = ["weights.h5", "keras", "h5"]

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("keras") is None or not BACKENDS, reason="needs Keras"
    ),
    pytest.mark.slow,
]


def run_keras(action: str, folder: Path, backend: str) -> None:
    environment = os.environ | {"KERAS_BACKEND": backend, "KERAS_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), action, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeds' nets, saved by Keras; on TensorFlow where it is, as the seeds are."""
    folder = tmp_path_factory.mktemp("saved")
    run_keras("save", folder, BACKENDS[0])
    return folder


def logits_of(net: Architecture, arrays: dict[str, Any], image: np.ndarray) -> np.ndarray:
    model = AlexNet(net)
    model.load_weights(arrays)
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(image).permute(0, 3, 1, 2))
    return logits.double().numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["functional", "subclassed"])
def test_the_seeds_keras_nets_give_the_same_probabilities(kind: str, way: str, saved: Path) -> None:
    net = architecture(
        "full-227",
        widths=(8, 12, 16, 16, 12),
        hidden=(24, 20),
        num_classes=5,
        image_size=131,
    )
    found = weights.read(saved / f"{kind}.{way}")
    weights.check(found, net)
    theirs = np.load(saved / f"{kind}.npy")
    ours = softmax(logits_of(net, found, np.load(saved / "image.npy")))
    assert np.abs(theirs[0] - theirs[1]).max() > 0.01, "they tell the images apart"
    assert np.abs(np.log(ours) - np.log(theirs)).max() < 1e-4, "so the logits are equal as well"


def test_each_way_of_saving_gives_the_same_arrays(saved: Path) -> None:
    for kind in ("functional", "subclassed"):
        first, *others = (weights.read(saved / f"{kind}.{way}") for way in WAYS)
        assert len(first) == 16
        for other in others:
            assert all(np.array_equal(first[name], other[name]) for name in first)


PLAIN = {"widths": (8, 12, 16, 16, 12), "hidden": (24, 20), "num_classes": 5, "image_size": 131}
NETS = {
    "plain": architecture("full-227", **PLAIN),
    "groups": architecture("full", groups=(1, 2, 1, 2, 2), **PLAIN),
    "norms": architecture("full", norm="batch", norm_layers=(1, 2, 4), **PLAIN),
    "both": architecture("full", norm="batch", groups=(1, 2, 1, 2, 2), **PLAIN),
}


def with_noise(net: Architecture) -> dict[str, np.ndarray]:
    """Weights none of which is like another, such that the logits depend on the image."""
    generator = np.random.default_rng(0)
    arrays = weights.initial(net, seed=0)
    return {
        name: array + generator.random(array.shape, np.float32) * 0.05
        for name, array in arrays.items()
    }


def test_keras_loads_what_is_written(tmp_path: Path) -> None:
    """A functional model, one with attributes, and the seeds' own, from the same files."""
    image = np.random.default_rng(1).standard_normal((2, 131, 131, 3), np.float32)
    np.save(tmp_path / "image.npy", image)
    specs: dict[str, dict[str, Any]] = {}
    for name, net in NETS.items():
        weights.write(with_noise(net), tmp_path / f"{name}.weights.h5", architecture=net)
        if name != "plain":
            for kind in ("functional", "subclassed"):
                specs[f"{name}-{kind}"] = {
                    "kind": kind,
                    "file": f"{name}.weights.h5",
                    "norms": net.norm_layers if net.norm == "batch" else (),
                }
    plain = with_noise(NETS["plain"])
    weights.write(plain, tmp_path / "indexed.weights.h5", layout="indexed")
    seed: dict[str, Any] = {"norms": ()}
    specs["plain-seed-functional"] = seed | {"kind": "seed-functional", "file": "plain.weights.h5"}
    specs["plain-seed-subclassed"] = seed | {
        "kind": "seed-subclassed",
        "file": "indexed.weights.h5",
    }
    for name, spec in specs.items():
        net = NETS[name.partition("-")[0]]
        spec |= {"widths": net.widths, "groups": net.groups, "hidden": net.hidden}
        spec |= {"classes": net.num_classes, "size": net.image_size}
    (tmp_path / "specs.json").write_text(json.dumps(specs))
    run_keras("load", tmp_path, BACKENDS[-1])
    for name in specs:
        net = NETS[name.partition("-")[0]]
        ours = logits_of(net, with_noise(net), image)
        theirs = np.load(tmp_path / f"{name}.npy")
        assert np.abs(ours[0] - ours[1]).max() > 0.01, "they tell the images apart"
        if "seed" in name:
            ours, theirs = np.log(softmax(ours)), np.log(theirs)
        np.testing.assert_allclose(theirs, ours, atol=1e-4, rtol=1e-4, err_msg=name)


WRITE = """
import sys
from alexnet import architecture, weights
net = architecture("half", widths=4, hidden=5, num_classes=3, norm="batch", groups=(1, 2, 1, 2, 2))
weights.write(weights.initial(net, seed=0), sys.argv[1], architecture=net)
"""


@pytest.mark.skipif(
    importlib.util.find_spec("alexnet.keras") is None, reason="needs our Keras models"
)
def test_a_keras_model_with_its_weights(tmp_path: Path) -> None:
    file = tmp_path / "net.keras"
    environment = os.environ | {"KERAS_BACKEND": BACKENDS[-1]}
    subprocess.run([sys.executable, "-c", WRITE, str(file)], env=environment, check=True)
    net = architecture(
        "half", widths=4, hidden=5, num_classes=3, norm="batch", groups=(1, 2, 1, 2, 2)
    )
    expected, found = weights.initial(net, seed=0), weights.read(file)
    assert set(found) == set(expected)
    assert all(np.array_equal(found[name], array) for name, array in expected.items())
    assert [path.name for path in tmp_path.iterdir()] == ["net.keras"]
