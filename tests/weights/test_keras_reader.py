"""Keras' files against Keras: we read what it saves, and it loads what we write."""

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
SUFFIXES = ["weights.h5", "keras", "h5"]

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
    """The networks of the seeds, saved by Keras; on TensorFlow, like the seeds, if installed."""
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


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["functional", "subclassed"])
def test_the_keras_networks_of_the_seeds_give_the_same_probabilities(
    kind: str, suffix: str, saved: Path
) -> None:
    net = architecture(
        "full-227",
        widths=(8, 12, 16, 16, 12),
        hidden=(24, 20),
        num_classes=5,
        image_size=131,
    )
    loaded = weights.read(saved / f"{kind}.{suffix}")
    weights.check(loaded, net)
    reference = np.load(saved / f"{kind}.npy")
    own = softmax(logits_of(net, loaded, np.load(saved / "image.npy")))
    assert np.abs(reference[0] - reference[1]).max() > 0.01, "the outputs depend on the image"
    assert np.abs(np.log(own) - np.log(reference)).max() < 1e-4, "so the logits match too"


def test_every_format_contains_the_same_arrays(saved: Path) -> None:
    for kind in ("functional", "subclassed"):
        first, *others = (weights.read(saved / f"{kind}.{suffix}") for suffix in SUFFIXES)
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
    """Initial weights with noise, all different, so that the logits depend on the image."""
    generator = np.random.default_rng(0)
    arrays = weights.initial(net, seed=0)
    return {
        name: array + generator.random(array.shape, np.float32) * 0.05
        for name, array in arrays.items()
    }


def test_keras_loads_written_weights(tmp_path: Path) -> None:
    """Functional and subclassed models, and those of the seeds, load the same files."""
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
        own = logits_of(net, with_noise(net), image)
        reference = np.load(tmp_path / f"{name}.npy")
        assert np.abs(own[0] - own[1]).max() > 0.01, "the outputs depend on the image"
        if "seed" in name:
            own, reference = np.log(softmax(own)), np.log(reference)
        np.testing.assert_allclose(reference, own, atol=1e-4, rtol=1e-4, err_msg=name)
