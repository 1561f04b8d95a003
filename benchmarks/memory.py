"""Peak memory of a training against the number of images: it must not grow with them.

usage: memory.py     (makes its own images, in a temporary folder)
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

COUNTS = (500, 2000, 8000)


def make(folder: Path, count: int) -> None:
    """Images of two classes, each with other noise."""
    generator = np.random.default_rng(0)
    for split, share in (("train", 0.8), ("val", 0.2)):
        for name in ("a", "b"):
            (folder / split / name).mkdir(parents=True)
            for number in range(int(count * share / 2)):
                pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")


def peak_megabytes(data: Path, folder: Path) -> float:
    """Of one epoch in a process of its own."""
    code = (
        "import sys, resource\n"
        "from alexnet import training\nfrom alexnet.recipe import recipe\n"
        "training.train(sys.argv[1], recipe=recipe('fast', epochs=1), output_dir=sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    call = [sys.executable, "-c", code, str(data), str(folder / "run")]
    environment = {**os.environ, "ALEXNET_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    print("| images | kept on disk, MB | peak memory, MB |", "|---|---|---|", sep="\n")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name) / "data", count)
            peak = peak_megabytes(Path(name) / "data", Path(name))
        print(f"| {count:,} | {count * 146**2 * 3 / 1e6:,.0f} | {peak:,.0f} |", flush=True)


main()
