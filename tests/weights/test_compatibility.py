"""Messages about weights that do not fit an architecture: always one line."""

from typing import Any

import numpy as np
import pytest

from alexnet import UserError, architecture, weights
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS
from alexnet.torch import AlexNet

SMALL: dict[str, Any] = {"widths": (4, 6, 8, 6, 4), "hidden": 9}


def shaped(variant: str, **changes: Any) -> dict[str, np.ndarray]:
    """Arrays of the shapes of a variant, broadcast from one zero to use no memory."""
    shapes = architecture(variant, **changes).weight_shapes
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def check_error(arrays: dict[str, np.ndarray], network: Architecture, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        weights.check(arrays, network, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 250
    return text


def test_each_variant_accepts_its_own_shapes() -> None:
    for variant, network in VARIANTS.items():
        weights.check(shaped(variant), network)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("half", "owt", "those of half with 1,000 classes; choose the variant half"),
        ("owt", "half", "those of owt with 1,000 classes; choose the variant owt"),
        ("full-227", "paper", "those of full, full-227 with 1,000 classes; choose the variant "),
        ("paper", "full", "those of paper, bvlc, caffenet with 1,000 classes; choose"),
    ],
)
def test_the_message_names_the_variants_of_the_weights(
    source: str, target: str, expected: str
) -> None:
    text = check_error(shaped(source), architecture(target))
    start = f"the weights do not fit the architecture {target!r} with 1,000 classes: their shapes"
    assert text.startswith(start)
    assert expected in text


def test_the_message_names_the_image_size_and_the_classes_of_another_variant() -> None:
    arrays = shaped("half", image_size=64, in_channels=1, num_classes=7)
    text = check_error(arrays, architecture("owt", in_channels=1))
    assert text.endswith(
        "those of half with 7 classes for images of 63 to 94 pixels; "
        "choose the variant half and an image_size of 63 to 94"
    )


def test_the_message_names_the_first_mismatch_and_counts_the_others() -> None:
    network = architecture("half", **SMALL, num_classes=5)
    arrays = shaped("half", **SMALL, num_classes=5)
    arrays["conv2.weight"] = arrays["conv2.weight"][:, :3]
    start = "the weights do not fit the architecture 'half' with 5 classes: "
    first = "conv2.weight has shape (6, 3, 5, 5), expected (6, 4, 5, 5)"
    remedy = "; use the variant and fields of the network that was trained"
    assert check_error(arrays, network) == start + first + remedy
    del arrays["fc7.weight"]
    assert check_error(arrays, network) == f"{start}{first}, and 1 more array does not fit{remedy}"
    arrays |= {"norm1.weight": np.ones(4), "extra": np.ones(1)}
    assert check_error(arrays, network) == f"{start}{first}, and 3 more arrays do not fit{remedy}"
    del arrays["conv1.weight"]
    text = check_error(arrays, network, remedy="look elsewhere")
    assert text == f"{start}missing conv1.weight, and 4 more arrays do not fit; look elsewhere"
    unexpected = {**shaped("half"), "extra\x1b": np.ones(1)}
    assert r": unexpected extra\x1b;" in check_error(unexpected, architecture("half"))


def test_a_changed_field_of_the_same_variant_is_named_by_its_array() -> None:
    text = check_error(shaped("half"), architecture("half", hidden=(2048, 1000)))
    assert "fc7.weight has shape (2048, 2048), expected (1000, 2048), and 2 more" in text


def test_the_message_names_the_image_size_or_classes_of_the_same_variant() -> None:
    text = check_error(shaped("half", image_size=64), architecture("half"))
    assert text.endswith(
        "fc6.weight has shape (2048, 128), expected (2048, 4608); build the network with an "
        "image_size of 63 to 94"
    )
    text = check_error(shaped("half", num_classes=7), architecture("half"))
    assert text.endswith(
        "fc8.weight has shape (7, 2048), expected (1000, 2048); build the network with "
        "num_classes=7"
    )


def test_invalid_shapes_are_reported_in_one_line() -> None:
    for odd in ((), (0,), (3, 0, 1, 1), (5,) * 6):
        arrays = shaped("half") | {
            name: np.zeros(odd) for name in ("conv1.weight", "fc6.weight", "fc8.bias")
        }
        assert check_error(arrays, architecture("half")).count("more arrays") == 1


def test_weights_that_do_not_fit_leave_the_model_unchanged() -> None:
    model = AlexNet("half", **SMALL, num_classes=5)
    before = model.weights()
    wrong = {name: array + 1 for name, array in before.items()}
    del wrong["fc8.bias"]
    with pytest.raises(UserError, match=r"missing fc8\.bias"):
        model.load_weights(wrong)
    after = model.weights()
    assert all(np.array_equal(before[name], after[name]) for name in before)
