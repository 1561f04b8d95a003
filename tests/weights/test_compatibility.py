"""What is said of weights that do not fit: one line, however much differs."""

from typing import Any

import numpy as np
import pytest

from alexnet import UserError, architecture, weights
from alexnet.spec.architectures import VARIANTS, Architecture
from alexnet.torch import AlexNet

SMALL: dict[str, Any] = {"widths": (4, 6, 8, 6, 4), "hidden": 9}


def shaped(variant: str, **changes: Any) -> dict[str, np.ndarray]:
    """Arrays of the right shapes that take no memory: each is one zero, repeated."""
    shapes = architecture(variant, **changes).weight_shapes
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def said(arrays: dict[str, np.ndarray], network: Architecture, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        weights.check(arrays, network, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 250
    return text


def test_what_fits_is_silent() -> None:
    for variant, network in VARIANTS.items():
        weights.check(shaped(variant), network)


@pytest.mark.parametrize(
    ("theirs", "wanted", "says"),
    [
        ("half", "owt", "those of half with 1,000 classes; choose the variant half"),
        ("owt", "half", "those of owt with 1,000 classes; choose the variant owt"),
        ("full-227", "paper", "those of full, full-227 with 1,000 classes; choose the variant "),
        ("paper", "full", "those of paper, bvlc, caffenet with 1,000 classes; choose"),
    ],
)
def test_another_variants_weights_name_it(theirs: str, wanted: str, says: str) -> None:
    text = said(shaped(theirs), architecture(wanted))
    start = f"the weights do not fit the architecture {wanted!r} with 1,000 classes: their shapes"
    assert text.startswith(start)
    assert says in text


def test_the_images_and_classes_of_another_variants_weights_are_said() -> None:
    arrays = shaped("half", image_size=64, in_channels=1, num_classes=7)
    text = said(arrays, architecture("owt", in_channels=1))
    assert text.endswith(
        "those of half with 7 classes for images of 63 to 94 pixels; "
        "choose the variant half and an image_size of 63 to 94"
    )


def test_of_no_variants_weights_the_first_fault_is_said_and_how_many_there_are() -> None:
    network = architecture("half", **SMALL, num_classes=5)
    arrays = shaped("half", **SMALL, num_classes=5)
    arrays["conv2.weight"] = arrays["conv2.weight"][:, :3]
    start = "the weights do not fit the architecture 'half' with 5 classes: "
    first = "conv2.weight is (6, 3, 5, 5) and not (6, 4, 5, 5)"
    remedy = "; describe the network that they are of by its variant and fields"
    assert said(arrays, network) == start + first + remedy
    del arrays["fc7.weight"]
    assert said(arrays, network) == f"{start}{first}, and 1 more array does not fit{remedy}"
    arrays |= {"norm1.weight": np.ones(4), "extra": np.ones(1)}
    assert said(arrays, network) == f"{start}{first}, and 3 more arrays do not fit{remedy}"
    del arrays["conv1.weight"]
    assert said(arrays, network).startswith(f"{start}missing conv1.weight, and 4 more arrays")
    assert said(arrays, network, remedy="look elsewhere").endswith("do not fit; look elsewhere")
    surplus = {**shaped("half"), "extra\x1b": np.ones(1)}
    assert r": surplus extra\x1b;" in said(surplus, architecture("half"))


def test_a_change_of_the_own_variant_is_not_taken_for_another() -> None:
    text = said(shaped("half"), architecture("half", hidden=(2048, 1000)))
    assert "fc7.weight is (2048, 2048) and not (1000, 2048), and 2 more" in text


def test_the_own_variants_weights_for_other_images_or_classes_say_which() -> None:
    text = said(shaped("half", image_size=64), architecture("half"))
    assert "fc6.weight is (2048, 128) and not (2048, 4608); make the network for images" in text
    assert "of 63 to 94 pixels" in text
    text = said(shaped("half", num_classes=7), architecture("half"))
    assert text.endswith(
        "fc8.weight is (7, 2048) and not (1000, 2048); make the network for them, "
        "with num_classes=7"
    )


def test_shapes_that_no_network_has_are_one_line_too() -> None:
    for odd in ((), (0,), (3, 0, 1, 1), (5,) * 6):
        arrays = shaped("half") | {
            name: np.zeros(odd) for name in ("conv1.weight", "fc6.weight", "fc8.bias")
        }
        assert said(arrays, architecture("half")).count("more arrays") == 1


def test_what_does_not_fit_changes_nothing() -> None:
    model = AlexNet("half", **SMALL, num_classes=5)
    before = model.weights()
    wrong = {name: array + 1 for name, array in before.items()}
    del wrong["fc8.bias"]
    with pytest.raises(UserError, match=r"missing fc8\.bias"):
        model.load_weights(wrong)
    after = model.weights()
    assert all(np.array_equal(before[name], after[name]) for name in before)
