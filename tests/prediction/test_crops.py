"""Crops against a calculation that does each by itself."""

import numpy as np
import pytest
import torch

from alexnet import loading
from alexnet.backends import Compute
from alexnet.errors import RunError, UserError
from alexnet.prediction.crops import probabilities


def squares(count, size=73):
    return list(np.random.default_rng(1).integers(0, 256, (count, size, size, 3), np.uint8))


def direct(model, image, top, left, flipped):
    """Probabilities of one crop, from the image's values to the softmax."""
    crop = image[top : top + 64, left : left + 64].astype(np.float32)
    crop = crop[:, ::-1] if flipped else crop
    values = torch.from_numpy(((crop - 127.5) / 127.5).transpose(2, 0, 1)[None].copy())
    model.network.eval()
    with torch.inference_mode():
        return torch.softmax(model.network(values).double(), dim=1)[0].numpy()


def test_center_crop(run):
    model = loading.open_inference_model(run, Compute(device="cpu"))
    result = probabilities(model, squares(3))
    expected = [direct(model, image, 4, 4, False) for image in squares(3)]
    assert result == pytest.approx(np.array(expected), abs=1e-6)
    assert result.sum(axis=1) == pytest.approx(1)


def test_ten_crops_are_center_corners_and_mirrors_averaged(run):
    model = loading.open_inference_model(run, Compute(device="cpu"))
    places = [(4, 4), (0, 0), (0, 9), (9, 0), (9, 9)]
    expected = [
        np.mean([direct(model, p, *at, m) for at in places for m in (False, True)], axis=0)
        for p in squares(2)
    ]
    assert probabilities(model, squares(2), 10) == pytest.approx(np.array(expected), abs=1e-6)


def test_batches_change_nothing_and_images_may_come_one_by_one(run):
    model = loading.open_inference_model(run, Compute(device="cpu"))
    whole = probabilities(model, squares(5))
    assert probabilities(model, iter(squares(5)), batch_size=2) == pytest.approx(whole, abs=1e-6)


def test_wrong_number_of_crops(run):
    with pytest.raises(UserError, match=r"expected 1 \(center\) or 10"):
        probabilities(loading.open_inference_model(run, Compute(device="cpu")), squares(1), 5)


def test_values_that_are_not_finite_are_a_failure(run):
    model = loading.open_inference_model(run, Compute(device="cpu"))
    with torch.no_grad():
        next(model.network.parameters()).fill_(float("nan"))
    with pytest.raises(RunError, match="non-finite"):
        probabilities(model, squares(1))
