"""Peak activations are the same in every backend."""

from pathlib import Path

import numpy as np

from alexnet import architecture, loading, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import recipe
from alexnet.config.preprocessing import Preprocessing
from alexnet.data.augmentation import view_plan
from alexnet.run import BEST, Run


def test_peaks_match_pytorch(tmp_path: Path, backend: str) -> None:
    net = architecture("half", num_classes=3, image_size=63, widths=8, hidden=16)
    run = Run(
        folder=tmp_path,
        architecture=net,
        recipe=recipe("fast"),
        preprocessing=Preprocessing(resize_px=72, crop_px=63),
        classes=("a", "b", "c"),
    )
    run.save()
    weights.write(weights.initial(net, 1), tmp_path / BEST)
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, (72, 72, 3)).astype(np.uint8) for _ in range(3)]
    plan = view_plan(run.preprocessing, 3)
    first, second = (
        loading.open_inference_model(run, Compute(backend=name)).peaks(images, plan)
        for name in ("torch", backend)
    )
    assert list(first) == [f"relu{n}" for n in range(1, 8)] == list(second)
    assert [len(values) for values in first.values()] == [8] * 5 + [16] * 2
    for name, values in first.items():
        np.testing.assert_allclose(second[name], values, atol=1e-4)
