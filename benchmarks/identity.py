"""Prove that a change leaves training as it was: six small runs, compared bit for bit.

usage: identity.py record FILE      before the change
       identity.py compare FILE     after it; exit status 1 when anything differs
       --only NAME                  one of the runs; may be repeated

Each run is `alexnet train digits` in a process of its own. The digests cover every weight array
of the best and the last epoch, and the metrics of every epoch. They hold for one machine and one
set of library versions, so record and compare on the same one.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

COMMON = "--seed 7 --device cpu --precision fp32 --workers 2 --epochs 2 --image-size 64"
RUNS = {
    "half-torch": "--variant half --backend torch",
    "paper-torch": "--variant paper --backend torch --recipe paper",
    "half-tensorflow": "--variant half --backend tensorflow",
    "half-jax": "--variant half --backend jax",
    "batch-norm-torch": "--variant half --backend torch --set norm=batch"
    " --set norm_layers=1,2,3,4,5 --optimizer adamw --lr 0.001 --weight-decay 0.05"
    " --label-smoothing 0.1",
    "color-torch": "--variant full-227 --backend torch --optimizer adam --lr 0.0002 --crop random"
    " --pca-color 0.1 --brightness 0.3 --contrast 0.3 --normalization minus_one_to_one",
}
LIBRARIES = ("torch", "tensorflow", "jax", "keras", "numpy", "opencv-python-headless")

Digests = dict[str, str]
"""SHA-256 of each weight array, `last.safetensors/conv1.weight`, and of `metrics.csv`."""


def digests_of(run: Path) -> Digests:
    """Hash the weight arrays and the metrics in a run's folder."""
    digests = {"metrics.csv": hashlib.sha256((run / "metrics.csv").read_bytes()).hexdigest()}
    for name in ("best.safetensors", "last.safetensors"):
        for array_name, array in sorted(load_file(run / name).items()):
            header = f"{array.dtype} {array.shape} ".encode()
            digest = hashlib.sha256(header + array.tobytes()).hexdigest()
            digests[f"{name}/{array_name}"] = digest
    return digests


def train(name: str, folder: Path) -> Digests:
    """Train one of `RUNS` in a process of its own and hash the result."""
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    environment |= {"ALEXNET_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "2"}
    run = folder / name
    call = ["train", "digits", *COMMON.split(), *RUNS[name].split(), "--output-dir", str(run)]
    finished = subprocess.run(
        [sys.executable, "-m", "alexnet", *call], env=environment, capture_output=True, text=True
    )
    if finished.returncode:
        sys.exit(f"{name}: alexnet {' '.join(call)} failed:\n{finished.stderr}")
    return digests_of(run)


def measure(names: list[str]) -> dict[str, Any]:
    """Train the named runs and return their digests with the library versions."""
    installed = {dist.metadata["Name"]: dist.version for dist in metadata.distributions()}
    runs: dict[str, Digests] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            print(f"training {name}", file=sys.stderr)
            runs[name] = train(name, Path(folder))
    return {"versions": {name: installed.get(name) for name in LIBRARIES}, "runs": runs}


def read(file: Path) -> dict[str, Any]:
    """Read what `record` wrote."""
    if not file.is_file():
        sys.exit(f"no such file: {file}; write it with `identity.py record {file}` first")
    recorded: dict[str, Any] = json.loads(file.read_text())
    return recorded


def differences(before: Mapping[str, Digests], after: Mapping[str, Digests]) -> dict[str, str]:
    """Return, for each run of `after` that is not identical to `before`, what differs."""
    changes = {}
    for name, digests in after.items():
        if name not in before:
            changes[name] = "not recorded"
            continue
        keys = [*before[name], *(key for key in digests if key not in before[name])]
        differing = [key for key in keys if before[name].get(key) != digests.get(key)]
        if differing:
            more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
            changes[name] = differing[0] + more
    return changes


def verdict(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, int]:
    """Return the verdict, one line, and the exit status."""
    changes = differences(before["runs"], after["runs"])
    count = len(after["runs"])
    if not changes:
        return f"identical: {count} of {count} runs, every weight and metric bit for bit", 0
    listed = "; ".join(f"{name} ({what})" for name, what in changes.items())
    versions = "" if before["versions"] == after["versions"] else "; library versions differ too"
    return f"different: {len(changes)} of {count} runs: {listed}{versions}", 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", action="append", choices=tuple(RUNS), metavar="NAME")
    args = parser.parse_args()
    # Fail before the minutes of training, not after them.
    before = read(args.file) if args.action == "compare" else None
    after = measure(args.only or list(RUNS))
    if before is None:
        args.file.write_text(json.dumps(after, indent=1) + "\n")
        print(f"recorded: {len(after['runs'])} runs in {args.file}")
        return 0
    line, status = verdict(before, after)
    print(line)
    return status


if __name__ == "__main__":
    sys.exit(main())
