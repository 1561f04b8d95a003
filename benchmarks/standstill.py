"""Does any variant stand still at chance with the default recipe?

usage: standstill.py DATA [--seeds 5] [--epochs 10] [--image-size 67]     (DATA may be `digits`)

AlexNet is known for it (pytorch/examples 152 and 459, BVLC/caffe 401). Trains every variant from
several seeds with the recipe `fast`, shortened and on small images, and prints what each reached.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from alexnet import training, variants
from alexnet.config.hyperparameters import recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--variants", nargs="+", default=variants(), choices=variants())
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--image-size", type=int, default=67)
    options = parser.parse_args()
    print("| variant | chance | validation top-1 of each seed | mean | seconds a run |")
    print("|---|---|---|---|---|")
    for variant in options.variants:
        start, reached = time.monotonic(), []
        for seed in range(options.seeds):
            chosen = recipe("fast", epochs=options.epochs, image_size=options.image_size, seed=seed)
            with tempfile.TemporaryDirectory() as folder:
                outcome = training.train(
                    options.data, variant=variant, recipe=chosen, output_dir=Path(folder) / "run"
                )
            reached.append(outcome.metrics.top1)
        seconds = (time.monotonic() - start) / options.seeds
        each = " ".join(f"{top1:.3f}" for top1 in reached)
        chance = 1 / len(outcome.run.classes)
        row = (variant, f"{chance:.2f}", each, f"{statistics.mean(reached):.3f}", f"{seconds:.0f}")
        print(f"| {' | '.join(row)} |", flush=True)


main()
