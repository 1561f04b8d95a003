"""The learning rate over time, worked out by hand."""

import math

import pytest

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.training.schedule import Plateau, learning_rate


def rates(settings: Recipe, *times: float) -> list[float]:
    return [learning_rate(settings, time, Plateau()) for time in times]


def test_cosine() -> None:
    settings = Recipe(schedule="cosine", lr=0.4, epochs=12, warmup_epochs=0)
    # Half of 1 + cos of 0, 60, 90, 120 and 180 degrees.
    assert rates(settings, 0, 4, 6, 8, 12) == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0], abs=1e-15)
    assert rates(settings, 13) == pytest.approx([0.0], abs=1e-15)
    falling = rates(settings, *[step / 10 for step in range(121)])
    assert falling == sorted(falling, reverse=True)


def test_warm_up_rises_evenly_and_the_cosine_starts_behind_it() -> None:
    settings = Recipe(schedule="cosine", lr=0.4, epochs=14, warmup_epochs=2)
    assert rates(settings, 0, 0.5, 1, 1.5, 2) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert rates(settings, 6, 8, 10, 14) == pytest.approx([0.3, 0.2, 0.1, 0.0], abs=1e-15)


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_warm_up_of_the_others(schedule: str) -> None:
    settings = Recipe(schedule=schedule, lr=0.4, epochs=10, warmup_epochs=0.5)
    assert rates(settings, 0, 0.25, 0.5, 9.9) == pytest.approx([0.0, 0.2, 0.4, 0.4])


def test_a_warm_up_longer_than_the_training() -> None:
    settings = Recipe(schedule="cosine", lr=0.4, epochs=2, warmup_epochs=4)
    assert rates(settings, 0, 1, 2) == pytest.approx([0.0, 0.1, 0.2])


def followed(settings: Recipe, errors: list[float]) -> list[float]:
    """The learning rate behind each epoch with this validation error."""
    plateau, result = Plateau(), []
    for epoch, error in enumerate(errors, start=1):
        plateau.update(error, settings)
        result.append(learning_rate(settings, epoch, plateau))
    return result


def test_plateau_drops_after_its_patience() -> None:
    settings = Recipe(
        schedule="plateau",
        lr=1.0,
        warmup_epochs=0,
        lr_drop_factor=0.1,
        lr_drop_patience=2,
        lr_drops=3,
    )
    #         best            1st, 2nd: drop    best    1st      2nd: drop
    errors = [0.9, 0.8, 0.8, 0.85, 0.7, 0.71, 0.7]
    expected = [1, 1, 1, 0.1, 0.1, 0.1, 0.01]
    assert followed(settings, errors) == pytest.approx(expected)


def test_plateau_counts_anew_after_a_drop_and_stops_at_its_number() -> None:
    settings = Recipe(
        schedule="plateau",
        lr=1.0,
        warmup_epochs=0,
        lr_drop_factor=0.5,
        lr_drop_patience=3,
        lr_drops=2,
    )
    expected = [1, 1, 1, 0.5, 0.5, 0.5, 0.25] + [0.25] * 6
    assert followed(settings, [0.5] * 13) == pytest.approx(expected)


def test_plateau_of_the_paper() -> None:
    """0.01, divided by 10 three times."""
    paper = recipe("paper")
    result = followed(paper, [0.5] * (1 + 5 * paper.lr_drop_patience))
    steps = list(dict.fromkeys(round(rate, 12) for rate in result))
    assert steps == [0.01, 0.001, 0.0001, 0.00001]


def test_an_error_that_is_no_number_is_no_improvement() -> None:
    plateau = Plateau(best_error=0.5)
    plateau.update(math.nan, recipe("paper"))
    assert (plateau.best_error, plateau.epochs_without_improvement) == (0.5, 1)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_others_never_drop(schedule: str) -> None:
    settings = Recipe(schedule=schedule, lr=1.0, warmup_epochs=0, lr_drop_patience=1)
    plateau = Plateau()
    for _ in range(10):
        plateau.update(0.5, settings)
    assert plateau.drops == 0
