"""Settings: conversion, validation and error messages."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet.config.hyperparameters import RECIPES, Recipe, recipe
from alexnet.config.preprocessing import Preprocessing, resize_px_for
from alexnet.errors import UserError
from alexnet.settings import Settings, check_names, fields, parse_assignments, setting
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS


@dataclass(frozen=True, kw_only=True)
class Sample(Settings):
    """A field of each supported type."""

    count: int = setting(1, "a number", low=1, high=10)
    ratio: float = setting(0.5, "a ratio", low=0, high=1)
    name: str = setting("red", "a name", choices=("red", "green"))
    is_on: bool = setting(False, "a switch")
    maybe: int | None = setting(None, "a number or none", low=1)
    triple: tuple[int, int, int] = setting((1, 2, 3), "three numbers", low=0)
    pairs: tuple[tuple[int, int], tuple[int, int]] = setting(((0, 0), (1, 1)), "two pairs", low=0)
    open: tuple[int, ...] = setting((), "any number of numbers", low=1, high=5)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("count", "7", 7),
        ("count", 7.0, 7),
        ("ratio", "0.25", 0.25),
        ("ratio", 1, 1.0),
        ("name", "green", "green"),
        ("is_on", "yes", True),
        ("is_on", "Off", False),
        ("is_on", True, True),
        ("maybe", "none", None),
        ("maybe", "None", None),
        ("maybe", "", None),
        ("maybe", "3", 3),
        ("triple", "4,5,6", (4, 5, 6)),
        ("triple", "4, 5 ,6", (4, 5, 6)),
        ("triple", [4, 5, 6], (4, 5, 6)),
        ("triple", 4, (4, 4, 4)),
        ("triple", "4", (4, 4, 4)),
        ("pairs", "1:2,3", ((1, 2), (3, 3))),
        ("pairs", "1:2", ((1, 2), (1, 2))),
        ("pairs", 2, ((2, 2), (2, 2))),
        ("pairs", [[1, 2], 3], ((1, 2), (3, 3))),
        ("open", "1,2,5", (1, 2, 5)),
        ("open", "", ()),
        ("open", "none", ()),
        ("open", 3, (3,)),
        ("open", [], ()),
    ],
)
def test_values_are_converted_to_the_type_of_their_field(
    field: str, value: Any, expected: Any
) -> None:
    converted = getattr(Sample(**{field: value}), field)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("count", "many", "invalid value for count: expected int, got 'many'"),
        ("count", 2.5, "invalid value for count: expected int, got 2.5"),
        ("count", True, "invalid value for count: expected int, got True"),
        ("count", None, "invalid value for count: expected int, got None"),
        ("count", float("inf"), "invalid value for count: expected int, got inf"),
        ("count", 0, "invalid value for count: expected between 1 and 10, got 0"),
        ("count", 11, "invalid value for count: expected between 1 and 10, got 11"),
        ("ratio", "nan", "invalid value for ratio: expected a finite number, got nan"),
        ("ratio", "a half", "invalid value for ratio: expected float, got 'a half'"),
        ("name", "gren", "unknown name 'gren': did you mean 'green'? choose from red, green"),
        ("name", "xyz", "unknown name 'xyz': choose from red, green"),
        ("name", 3, "invalid value for name: expected str, got 3"),
        ("is_on", "perhaps", "invalid value for is_on: expected bool, got 'perhaps'"),
        ("is_on", 1, "invalid value for is_on: expected bool, got 1"),
        ("maybe", 0, "invalid value for maybe: expected at least 1, got 0"),
        ("triple", "1,2", "invalid value for triple: expected values such as 1,2,3, got '1,2'"),
        ("triple", (1, -2, 3), "invalid value for triple: expected at least 0, got -2"),
        ("pairs", "1:2,-1", "invalid value for pairs: expected at least 0, got -1"),
        ("open", [1, 6], "invalid value for open: expected between 1 and 5, got 6"),
    ],
)
def test_invalid_values_raise_a_one_line_error(field: str, value: Any, text: str) -> None:
    with pytest.raises(UserError) as caught:
        Sample(**{field: value})
    assert str(caught.value) == text


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Sample().count = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    "saved", [*VARIANTS.values(), *map(recipe, RECIPES), Preprocessing()], ids=repr
)
def test_settings_round_trip_through_json(saved: Settings) -> None:
    assert type(saved)(**json.loads(json.dumps(saved.to_dict()))) == saved


@pytest.mark.parametrize("cls", [Architecture, Recipe, Preprocessing])
def test_every_field_has_a_one_line_description(cls: type[Settings]) -> None:
    for field in fields(cls):
        assert field.metadata["description"].strip()
        assert "\n" not in field.metadata["description"]


def test_parse_assignments() -> None:
    assignments = ["norm=none", "lrn-size = 3", "paddings=1:2,2,1,1,1", "adaptive_pool="]
    assert parse_assignments(assignments, Architecture) == {
        "norm": "none",
        "lrn_size": "3",
        "paddings": "1:2,2,1,1,1",
        "adaptive_pool": "",
    }
    with pytest.raises(UserError, match=r"^invalid assignment: expected FIELD=VALUE, got 'norm'$"):
        parse_assignments(["norm"], Architecture)
    expected = r"^unknown architecture field 'wdths': did you mean 'widths'\?$"
    with pytest.raises(UserError, match=expected):
        parse_assignments(["wdths=3"], Architecture)


@given(names=st.lists(st.text(max_size=8), max_size=4))
def test_check_names_reports_the_first_unknown_name(names: list[str]) -> None:
    valid = ["half", "full"]
    unknown = [name for name in names if name not in valid]
    if not unknown:
        check_names(names, valid, "variant")
        return
    with pytest.raises(UserError) as caught:
        check_names(names, valid, "variant")
    assert str(caught.value).startswith(f"unknown variant {unknown[0]!r}: ")


def test_unknown_recipes_and_settings() -> None:
    with pytest.raises(
        UserError,
        match=r"^unknown recipe 'papr': did you mean 'paper'\? choose from fast, tutorial, paper$",
    ):
        recipe("papr")
    with pytest.raises(UserError, match=r"^unknown setting 'epoch': did you mean 'epochs'\?$"):
        recipe("fast", epoch=3)
    with pytest.raises(UserError, match=r"^invalid value for epochs: expected at least 1, got 0$"):
        recipe("fast", epochs=0)


def test_paper_recipe_matches_section_5() -> None:
    paper = recipe("paper")
    assert (paper.epochs, paper.batch_size, paper.momentum) == (90, 128, 0.9)
    assert (paper.optimizer, paper.lr, paper.weight_decay) == ("sgd-2012", 0.01, 0.0005)
    assert (paper.schedule, paper.lr_drop_factor, paper.lr_drops) == ("plateau", 0.1, 3)
    assert (paper.crop, paper.horizontal_flip, paper.pca_color, paper.normalization) == (
        "random",
        True,
        0.1,
        "per_pixel",
    )


@given(size=st.integers(1, 1000))
def test_stored_image_is_at_least_as_large_as_the_crop(size: int) -> None:
    resize_px = resize_px_for(size)
    assert resize_px >= size
    assert abs(resize_px / size - 256 / 224) < 0.5 / size + 0.02
