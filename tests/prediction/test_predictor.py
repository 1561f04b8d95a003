"""`alexnet.load` and the `Predictor` that it returns."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import alexnet
from alexnet import Compute, Predictor, UserError
from alexnet.run import BEST

CPU = Compute(device="cpu")


@pytest.fixture
def predictor(run) -> Predictor:
    return alexnet.load(run.folder, compute=CPU)


def test_paths_bytes_pil_images_and_arrays_give_the_same_prediction(predictor, images) -> None:
    path = images / "red" / "8.png"
    pixels = np.asarray(Image.open(path).convert("RGB"))
    forms = [path, str(path), path.read_bytes(), Image.open(path), pixels]
    predictions = predictor(forms)
    assert {one.classes for one in predictions} == {predictions[0].classes}
    assert {one.probabilities for one in predictions} == {predictions[0].probabilities}
    assert predictions[0].label == "red"
    assert [one.path for one in predictions] == [
        str(path),
        str(path),
        "image 2",
        "image 3",
        "image 4",
    ]
    one = predictor(path)
    assert (one.label, one.confidence) == ("red", predictions[0].probabilities[0])


def test_it_agrees_with_predict_and_evaluate(predictor, run, images, tmp_path) -> None:
    paths = sorted((images / "green").glob("*.png"))
    listed = list(alexnet.predict(run, paths, compute=CPU))
    assert predictor(paths) == listed
    assert list(alexnet.predict(predictor, paths)) == listed
    evaluation = alexnet.evaluate(predictor, images, split="all", output_dir=tmp_path / "own")
    expected = alexnet.evaluate(run, images, split="all", compute=CPU, output_dir=tmp_path / "run")
    assert (evaluation.probabilities == expected.probabilities).all()


def test_a_batch_is_one_array_and_batches_do_not_change_probabilities(run, images) -> None:
    paths = sorted(images.rglob("*.png"))
    batch = np.stack([np.asarray(Image.open(path)) for path in paths])
    small = alexnet.load(run, compute=Compute(device="cpu", batch_size=2))
    whole = alexnet.load(run, compute=CPU)
    assert len(small(batch)) == len(paths)
    np.testing.assert_allclose(small.probabilities(batch), whole.probabilities(paths), atol=1e-6)
    assert whole.probabilities([]).shape == (0, 3)


def test_an_unreadable_file_is_a_prediction_with_an_error(predictor, tmp_path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    prediction, empty = predictor([broken, b""])
    assert (prediction.label, prediction.confidence) == (None, None)
    assert prediction.error is not None
    assert "error=" in repr(prediction)
    assert empty.error == "the file is empty"
    with pytest.raises(UserError, match="the file is empty"):
        predictor.probabilities([b""])


@pytest.mark.parametrize(
    "array",
    [np.zeros((8, 8, 3), np.float32), np.zeros(8, np.uint8), np.zeros((2, 2, 2, 2, 3), np.uint8)],
)
def test_arrays_of_other_types_or_shapes_are_rejected(predictor, array) -> None:
    with pytest.raises(UserError, match=r"expected uint8 of shape \(H, W, 3\) or \(H, W\), got"):
        predictor([array])


def test_a_weights_file_needs_a_variant_and_says_what_it_assumes(run, images) -> None:
    with pytest.warns(UserWarning, match="does not state how its training images were normalized"):
        loaded = alexnet.load(
            run.folder / "copy.safetensors" if copy_weights(run) else "",
            variant=run.architecture,
            classes=run.classes,
            compute=CPU,
        )
    assert loaded(images / "blue" / "8.png").label == "blue"
    assert loaded.run is None
    with pytest.raises(UserError, match="not loaded from one"):
        alexnet.evaluate(loaded, images)
    with pytest.raises(UserError, match="expected 3 class names, got 2"):
        alexnet.load(
            run.folder / "copy.safetensors",
            variant=run.architecture,
            preprocessing=run.preprocessing,
            classes=("a", "b"),
            compute=CPU,
        )


def copy_weights(run) -> bool:
    target: Path = run.folder / "copy.safetensors"
    target.write_bytes((run.folder / BEST).read_bytes())
    return target.exists()


def test_repr_shows_what_is_loaded_and_what_was_predicted(predictor, images) -> None:
    assert repr(predictor) == "Predictor(half, 3 classes, 64x64 pixels, torch on cpu)"
    prediction = predictor(images / "red" / "8.png", top=1)
    assert repr(prediction) == f"Prediction({prediction.path!r}: red {prediction.confidence:.1%})"


@pytest.mark.parametrize("wrong", [{"top": 0}, {"crops": 2}])
def test_wrong_calls(predictor, images, wrong) -> None:
    with pytest.raises(UserError, match="invalid value for"):
        predictor(images / "red" / "8.png", **wrong)


def test_the_front_door_hides_no_module_and_loads_no_framework() -> None:
    code = (
        "import sys, alexnet\n"
        "import alexnet.spec.architectures as a, alexnet.prediction as p\n"
        "import alexnet.training as t, alexnet.evaluation as e\n"
        "assert all(type(m).__name__ == 'module' for m in (a, p, t, e))\n"
        "assert all(map(callable, (alexnet.train, alexnet.evaluate, alexnet.load)))\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    code = "import sys, alexnet; print({'torch', 'numpy', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
