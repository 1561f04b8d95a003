"""Crops against a calculation that does each by itself."""

import numpy as np
import pytest
import torch

from alexnet import backends
from alexnet.errors import RunError, UserError
from alexnet.evaluation import probabilities


def squares(count, size=73):
    return list(np.random.default_rng(1).integers(0, 256, (count, size, size, 3), np.uint8))


def direct(network, picture, top, left, mirrored):
    """Probabilities of one crop, from the picture's values to the softmax."""
    crop = picture[top : top + 64, left : left + 64].astype(np.float32)
    crop = crop[:, ::-1] if mirrored else crop
    values = torch.from_numpy(((crop - 127.5) / 127.5).transpose(2, 0, 1)[None].copy())
    network.model.eval()
    with torch.inference_mode():
        return torch.softmax(network.model(values).double(), dim=1)[0].numpy()


def test_centre_crop(run):
    network = backends.open_network(run, device="cpu")
    found = probabilities(network, squares(3))
    expected = [direct(network, picture, 4, 4, False) for picture in squares(3)]
    assert found == pytest.approx(np.array(expected), abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(1)


def test_ten_crops_are_centre_corners_and_mirrors_averaged(run):
    network = backends.open_network(run, device="cpu")
    places = [(4, 4), (0, 0), (0, 9), (9, 0), (9, 9)]
    expected = [
        np.mean([direct(network, p, *at, m) for at in places for m in (False, True)], axis=0)
        for p in squares(2)
    ]
    assert probabilities(network, squares(2), 10) == pytest.approx(np.array(expected), abs=1e-6)


def test_batches_change_nothing_and_pictures_may_come_one_by_one(run):
    network = backends.open_network(run, device="cpu")
    whole = probabilities(network, squares(5))
    assert probabilities(network, iter(squares(5)), batch_size=2) == pytest.approx(whole, abs=1e-6)


def test_wrong_number_of_crops(run):
    with pytest.raises(UserError, match=r"1 \(the centre\) or 10"):
        probabilities(backends.open_network(run, device="cpu"), squares(1), 5)


def test_values_that_are_not_finite_are_a_failure(run):
    network = backends.open_network(run, device="cpu")
    with torch.no_grad():
        next(network.model.parameters()).fill_(float("nan"))
    with pytest.raises(RunError, match="not finite"):
        probabilities(network, squares(1))
