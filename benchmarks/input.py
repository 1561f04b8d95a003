"""Images a second into training: the first pass, which decodes, and the later ones.

usage: input.py DATA --peer-python PYTHON --peer-scripts FOLDER     (DATA holds CLASS/*.jpg)

The peer is torchvision's ImageFolder and DataLoader with two workers, which decodes in every pass.
Both crop at random (RandomResizedCrop), mirror and normalize to float batches of 224x224.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from alexnet import data
from alexnet.config.hyperparameters import recipe
from alexnet.config.preprocessing import ColorStatistics, Preprocessing
from alexnet.data.augmentation import apply, training_plan
from alexnet.data.rng import permutation
from side_by_side import arguments, compare, header, peer_of

BATCH = 64
WORKERS = 2


def main() -> None:
    options = arguments(__doc__)
    peer = peer_of(options)
    preprocessing, settings = Preprocessing(), recipe("tutorial", horizontal_flip=True)
    colors = ColorStatistics(mean=(127.5,) * 3, std=(127.5,) * 3, axes=((0.0,) * 3,) * 3)
    samples = data.find(options.data).samples
    pool = ThreadPoolExecutor(WORKERS)
    out = np.empty((BATCH, preprocessing.crop_px, preprocessing.crop_px, 3), np.float32)

    def one_pass(store: data.Store, epoch: int) -> None:
        order = store.rows[permutation(0, epoch, len(store.rows))]
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            plan = training_plan(settings, preprocessing, colors, seed=0, epoch=epoch, samples=rows)
            apply(plan, store.read(rows), preprocessing, out=out[: len(rows)], pool=pool)

    def first() -> float:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["ALEXNET_CACHE_DIR"] = cache
            start = time.perf_counter()
            one_pass(data.open_store(samples, preprocessing.resize_px, WORKERS), 0)
            return len(samples) / (time.perf_counter() - start)

    def later() -> float:
        start, epochs = time.perf_counter(), 0
        while time.perf_counter() - start < 3:
            epochs += 1
            one_pass(cached, epochs)
        return epochs * len(samples) / (time.perf_counter() - start)

    theirs = None
    if peer is not None:

        def theirs() -> float:
            return peer.figure(
                "load_imagefolder.py", options.data, pattern=r"workers 2: (\d+) images/s"
            )

    header("images/s")
    compare("first pass", first, theirs, rounds=options.rounds, bar="1")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ALEXNET_CACHE_DIR"] = cache
        cached = data.open_store(samples, preprocessing.resize_px, WORKERS)
        compare("later passes", later, theirs, rounds=options.rounds, bar="10")


main()
