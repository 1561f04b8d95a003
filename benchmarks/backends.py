"""PyTorch against Keras on TensorFlow and on JAX: steps, inference, LRN, and training end to end.

usage: backends.py DATA [--rounds 3] [--images 640]      (DATA holds train/ and val/)

Every figure is measured in a process of its own, in turn: Keras has one backend in a process. The
peer end to end is `plain_keras.py`, a network as tutorials write it, fed by Keras' own loader.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexnet import loading
from alexnet.backends import Compute

BACKENDS = ("torch", "tensorflow", "jax")
STEPS, BATCH, PIXELS = 8, 32, 224


def steps_and_inference(backend: str, variant: str) -> dict[str, float]:
    """Images per second with a batch of cached images in memory: crop, step; crop, logits."""
    import numpy as np

    from alexnet import architecture, weights
    from alexnet.config.hyperparameters import recipe
    from alexnet.config.preprocessing import ColorStatistics, Preprocessing
    from alexnet.data.augmentation import training_plan, view_plan
    from alexnet.run import Run

    net = architecture(variant, num_classes=5)
    run = Run(
        folder=Path(),
        architecture=net,
        recipe=recipe("tutorial"),
        preprocessing=Preprocessing(resize_px=256, crop_px=net.image_size),
        classes=("a", "b", "c", "d", "e"),
        compute=Compute(backend=backend),
    )
    trainer = loading.open_trainer(run, weights.initial(net, 0), Compute(device="cpu"))
    images = list(np.random.default_rng(0).integers(0, 256, (BATCH, 256, 256, 3), np.uint8))
    labels = np.arange(BATCH) % 5
    colors = ColorStatistics(mean=(127,) * 3, std=(60,) * 3, axes=((0, 0, 0),) * 3)
    plan = training_plan(
        run.recipe, run.preprocessing, colors, seed=0, epoch=0, samples=np.arange(BATCH)
    )
    center = view_plan(run.preprocessing, BATCH)
    return {
        "training": _rate(lambda: trainer.step(images, labels, plan, lr=1e-4, seed=0)),
        "inference": _rate(lambda: trainer.model.logits(images, center)),
    }


def lrn(backend: str, _: str) -> dict[str, float]:
    """Tensors a second of (32, 55, 55, 96), forward and backward; TensorFlow's own as `native`."""
    import numpy as np

    x = np.random.default_rng(0).normal(size=(BATCH, 55, 55, 96)).astype(np.float32)
    constants = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}
    if backend == "torch":
        import torch

        from alexnet.torch import LocalResponseNorm

        norm = LocalResponseNorm(**constants)
        maps = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
        return {"ours": _rate(lambda: torch.autograd.grad(norm(maps).sum(), maps)) / BATCH}
    from alexnet.backends import keras_startup

    keras_startup.start(backend, "cpu")
    from alexnet.keras import LocalResponseNorm as KerasNorm

    layer = KerasNorm(**constants, data_format="channels_last")
    layer.build(x.shape)
    if backend == "jax":
        import jax

        both = jax.jit(jax.grad(lambda x: layer(x).sum()))
        return {"ours": _rate(lambda: both(x).block_until_ready()) / BATCH}
    import tensorflow as tf

    def gradient_of(function: Callable[[Any], Any]) -> Callable[[], Any]:
        @tf.function
        def both(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(function(x))
            return tape.gradient(total, x)

        maps = tf.constant(x)
        return lambda: both(maps).numpy()[0, 0, 0, 0]

    native = gradient_of(lambda x: tf.nn.local_response_normalization(x, 2, 2.0, 1e-4, 0.75))
    return {"ours": _rate(gradient_of(layer)) / BATCH, "native": _rate(native) / BATCH}


def _rate(work: Callable[[], object]) -> float:
    for _ in range(2):
        work()
    start = time.perf_counter()
    for _ in range(STEPS):
        work()
    return STEPS * BATCH / (time.perf_counter() - start)


def end_to_end(backend: str, data: str) -> dict[str, float]:
    """The second epoch of the recipe `tutorial`, images a second."""
    from alexnet import training
    from alexnet.config.hyperparameters import recipe
    from alexnet.history import Epoch, Times

    class LastRate(training.Observer):
        rate = 0.0

        def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
            self.rate = times.images_per_second

    observer = LastRate()
    with tempfile.TemporaryDirectory() as folder:
        training.train(
            data,
            variant="full-227",
            recipe=recipe("tutorial", epochs=2),
            machine=Compute(device="cpu", backend=backend),
            output_dir=Path(folder) / "run",
            observer=observer,
        )
    return {"training": observer.rate}


MEASURED = {"steps": steps_and_inference, "lrn": lrn, "end-to-end": end_to_end}


def in_a_process(what: str, backend: str, argument: str) -> dict[str, float]:
    call = [sys.executable, __file__, "--measure", what, backend, argument]
    return dict(json.loads(_last_line(call, {})))


def plain_keras(backend: str, data: str) -> dict[str, float]:
    call = [sys.executable, str(Path(__file__).with_name("plain_keras.py")), data]
    return {"training": float(_last_line(call, {"KERAS_BACKEND": backend}).split()[1])}


def _last_line(call: list[str], environment: dict[str, str]) -> str:
    own = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
        env=own | environment,
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


def table(title: str, rounds: int, rows: dict[str, Callable[[], dict[str, float]]]) -> None:
    """Medians of all rows measured in turn, and the median of the ratios to the first row."""
    result: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, measure in rows.items():
            result[name].append(measure())
    columns = list(result[next(iter(rows))][0])
    print(f"\n| {title} | {' | '.join(columns)} | ratio to the first |")
    print("|---" * (len(columns) + 2) + "|")
    first = result[next(iter(rows))]
    for name, each in result.items():
        medians = [statistics.median(one[column] for one in each) for column in columns]
        pairs = zip(each, first, strict=True)
        ratios = [own[columns[0]] / base[columns[0]] for own, base in pairs]
        cells = [f"{value:,.1f}" for value in medians]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {name} | {' | '.join(cells)} | {ratio} |", flush=True)


def some_of(data: Path, count: int, folder: Path) -> Path:
    """Links to the first images of each class, so that an epoch does not take minutes."""
    for split, share in (("train", count), ("val", count // 10)):
        classes = sorted(path for path in (data / split).iterdir() if path.is_dir())
        for source in classes:
            (folder / split / source.name).mkdir(parents=True)
            for image in sorted(source.iterdir())[: share // len(classes)]:
                (folder / split / source.name / image.name).symlink_to(image.resolve())
    return folder


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        what, backend, argument = sys.argv[2:]
        print(json.dumps(MEASURED[what](backend, argument)))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=640)
    options = parser.parse_args()
    for variant in ("half", "paper"):
        rows = {b: lambda b=b, v=variant: in_a_process("steps", b, v) for b in BACKENDS}
        table(f"{variant}, float32, images/s", options.rounds, rows)
    rows = {b: lambda b=b: in_a_process("lrn", b, "") for b in ("tensorflow", "torch", "jax")}
    rows = {"native": lambda: {"ours": in_a_process("lrn", "tensorflow", "")["native"]}, **rows}
    table("LRN, both ways, (32, 55, 55, 96), a second", options.rounds, rows)
    with tempfile.TemporaryDirectory() as folder:
        data = str(some_of(options.data, options.images, Path(folder) / "some"))
        keras = ("tensorflow", "jax")
        rows = {f"plain Keras, {b}": lambda b=b: plain_keras(b, data) for b in keras}
        rows |= {f"ours, {b}": lambda b=b: in_a_process("end-to-end", b, data) for b in BACKENDS}
        table("full-227 end to end, images/s", options.rounds, rows)


main()
