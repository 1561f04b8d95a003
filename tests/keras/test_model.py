"""The Keras models: usual Keras workflows, and parity with the PyTorch model."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings

import alexnet
from alexnet import Architecture, UserError, architecture, variants, weights
from alexnet.keras import AlexNet, functional, load_weights, read_weights

from ..strategies import changes

SMALL: dict[str, Any] = {"image_size": 67, "num_classes": 7, "init": "damped"}


def arrays_of(net: Architecture) -> dict[str, np.ndarray]:
    """Return weights with nonzero biases and non-default batch norm statistics."""
    generator = np.random.default_rng(0)
    return {
        name: array + generator.uniform(0.1, 0.3, array.shape).astype(np.float32)
        if array.ndim == 1
        else array
        for name, array in weights.initial(net, 3).items()
    }


def torch_logits(net: Architecture, arrays: Any, images: np.ndarray) -> np.ndarray:
    """Return the PyTorch logits of images (N, H, W, C)."""
    model = alexnet.AlexNet(net).eval()
    model.load_weights(arrays)
    with torch.no_grad():
        return model(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()


def images_for(net: Architecture, count: int = 2) -> np.ndarray:
    shape = (count, net.image_size, net.image_size, net.in_channels)
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def relative_error(actual: Any, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(actual) - expected).max() / np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("make", [functional, AlexNet])
@pytest.mark.parametrize("variant", variants())
def test_every_variant_matches_pytorch(variant: str, make: Any) -> None:
    net = architecture(variant, **SMALL)
    arrays, images = arrays_of(net), images_for(net)
    model = make(net)
    load_weights(model, arrays)
    assert relative_error(model(images), torch_logits(net, arrays, images)) < 1e-4
    loaded = read_weights(model)
    assert list(loaded) == list(net.weight_shapes)
    assert all((loaded[name] == arrays[name]).all() for name in arrays)


@settings(
    deadline=None,
    max_examples=10,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(overrides=changes())
def test_every_architecture_field_matches_pytorch(overrides: dict[str, Any]) -> None:
    try:
        net = architecture("paper", **overrides)
    except UserError:
        assume(False)
    arrays, images = arrays_of(net), images_for(net)
    expected = torch_logits(net, arrays, images)
    for make in (functional, AlexNet):
        model = make(net)
        load_weights(model, arrays)
        assert relative_error(model(images), expected) < 1e-4


@pytest.mark.slow
def test_parameter_counts_of_full_size_variants() -> None:
    assert functional("paper").count_params() == 60_965_224
    assert AlexNet("half", num_classes=5).count_params() == 14_591_685


@pytest.mark.slow
def test_layer_names_and_output_shapes_match_the_paper() -> None:
    model = functional("paper")
    layers = {layer.name: layer for layer in model.layers}
    assert [name for name in layers if name.startswith(("conv", "fc"))] == [
        *("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
    ]
    assert tuple(layers["pool5"].output.shape) == (None, 6, 6, 256)
    assert tuple(layers["norm1"].output.shape) == (None, 55, 55, 96)
    features = keras.Model(model.input, model.get_layer("fc7").output)
    assert features.output_shape == (None, 4096)


def test_channels_first_has_the_same_weights_and_outputs(backend: str) -> None:
    """Weights are independent of the data format, including those of fc6 after the flatten."""
    net = architecture("paper", norm="batch", **SMALL)
    arrays, images = arrays_of(net), images_for(net)
    model = functional(net, data_format="channels_first")
    load_weights(model, arrays)
    assert model.input_shape == (None, 3, 67, 67)
    loaded = read_weights(model)
    assert all((loaded[name] == arrays[name]).all() for name in arrays)
    if backend == "tensorflow":
        pytest.skip("TensorFlow supports channels_first convolutions on GPUs only")
    logits = model(images.transpose(0, 3, 1, 2))
    assert relative_error(logits, torch_logits(net, arrays, images)) < 1e-4


def test_softmax_returns_probabilities() -> None:
    net = architecture("half", **SMALL)
    for make in (functional, AlexNet):
        probabilities = np.asarray(make(net, softmax=True)(images_for(net)))
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_mixed_precision_has_a_float32_head() -> None:
    """As Keras' guide recommends: bfloat16 probabilities have only three digits."""
    for make in (functional, AlexNet):
        model = make("half", softmax=True, dtype="mixed_bfloat16", **SMALL)
        assert model.get_layer("conv1").compute_dtype == "bfloat16"
        assert model.get_layer("fc8").compute_dtype == "float32"
        probabilities = model(images_for(architecture("half", **SMALL)))
        assert keras.backend.standardize_dtype(probabilities.dtype) == "float32"


def test_error_for_another_number_of_classes_names_num_classes() -> None:
    model = functional("half", **SMALL)
    other = weights.initial(architecture("half", **SMALL | {"num_classes": 4}), 0)
    with pytest.raises(UserError, match=r"fit the Keras model .* with num_classes=4"):
        load_weights(model, other)


def test_activations_of_the_subclassed_model() -> None:
    model = AlexNet("paper", **SMALL)
    images = images_for(model.architecture)
    outputs = model.activations(images, layers=["pool5", "fc8"])
    assert tuple(outputs["pool5"].shape) == (2, 1, 1, 256)
    np.testing.assert_allclose(outputs["fc8"], model(images), rtol=1e-5, atol=1e-6)
    with pytest.raises(UserError, match="did you mean 'pool5'"):
        model.activations(images, layers=["pol5"])


@pytest.mark.slow
def test_compile_and_fit_learn() -> None:
    """Plain Keras training separates bright from dark images in a few epochs."""
    net = architecture("paper", image_size=67, num_classes=2, init="damped", norm="batch")
    generator = np.random.default_rng(0)
    labels = np.arange(32) % 2
    images = generator.normal(size=(32, 67, 67, 3)) + 2 * labels[:, None, None, None]
    for make in (functional, AlexNet):
        model = make(net, dropout=0)
        model.compile(
            keras.optimizers.SGD(0.01, momentum=0.9),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        model.fit(images, labels, epochs=8, batch_size=16, verbose=0)
        _, accuracy = model.evaluate(images, labels, verbose=0)
        assert accuracy > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("make", [functional, AlexNet])
def test_saved_model_loads_in_a_new_process(make: Any, tmp_path: Path, backend: str) -> None:
    """A `.keras` file needs only `import alexnet.keras`; also with a changed architecture."""
    net = architecture("paper", norm_layers=(1, 3), lrn_size=4, dropout=0.1, **SMALL)
    model, images = make(net), images_for(net)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy, keras, alexnet.keras\n"
        "folder = sys.argv[1]\n"
        "model = keras.models.load_model(f'{folder}/model.keras')\n"
        "logits = model(numpy.load(f'{folder}/images.npy'))\n"
        "numpy.save(f'{folder}/logits.npy', numpy.asarray(logits))\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", code, tmp_path], env=environment, check=True)
    expected = np.asarray(model(images))
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, rtol=1e-5, atol=1e-6)
    other = make(net)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(other(images), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_config_round_trip() -> None:
    model = AlexNet("bvlc", softmax=True, **SMALL)
    restored = AlexNet.from_config(json.loads(json.dumps(model.get_config())))
    assert restored.architecture == model.architecture
    assert restored.layers[-1].name == "softmax"
    assert restored.name == "alexnet_bvlc"
    copy = keras.models.clone_model(functional("paper", **SMALL))
    assert copy.get_layer("norm1").k == 2.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The `native_serialization` parameter:DeprecationWarning")
def test_exported_saved_model_matches(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    import tensorflow as tf

    model = functional("paper", **SMALL)
    images = images_for(architecture("paper", **SMALL))
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    assert relative_error(loaded.serve(images), np.asarray(model(images))) < 1e-4


def test_weights_that_do_not_fit_are_rejected_without_loading_any() -> None:
    model = functional("half", **SMALL)
    before = read_weights(model)
    wrong = weights.initial(architecture("full", **SMALL), 0)
    with pytest.raises(UserError) as caught:
        load_weights(model, wrong)
    assert str(caught.value).startswith(
        f"the weights do not fit the Keras model {model.name!r}: "
        "their shapes are those of full, full-227 with 7 classes"
    )
    after = read_weights(model)
    assert all((after[name] == before[name]).all() for name in before)


def test_load_weights_rejects_a_model_that_is_not_an_alexnet() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)], name="mine")
    with pytest.raises(
        UserError, match="Keras model 'mine' is not an AlexNet: it has no layer conv1"
    ):
        load_weights(model, {})


def test_images_of_another_shape_are_rejected() -> None:
    model = AlexNet("half", **SMALL)
    right = images_for(architecture("half", **SMALL))
    size = right.shape[1]
    with pytest.raises(UserError, match=rf"images must have shape \('N', {size}, {size}, 3\), got"):
        model(np.zeros((1, size + 40, size + 40, 3), np.float32))
    with pytest.raises(UserError, match="channels_last"):
        model(right.transpose(0, 3, 1, 2))
    assert model(right).shape == (len(right), SMALL["num_classes"])


def test_invalid_arguments_raise_user_errors() -> None:
    with pytest.raises(UserError, match="did you mean 'paper'"):
        functional("papr")
    with pytest.raises(UserError, match="channels_last or channels_first"):
        functional("half", data_format="nhwc")
    with pytest.raises(UserError, match="the minimum image_size"):
        AlexNet("half", image_size=20)


def test_the_same_seed_gives_the_same_weights() -> None:
    weights_of = []
    for make in (functional, AlexNet):
        keras.utils.set_random_seed(4)
        weights_of.append(read_weights(make("half", **SMALL)))
    first, second = weights_of
    assert all((first[name] == second[name]).all() for name in first)
