"""Time to an accuracy, and the accuracy in a time: `alexnet train DATA` against the tutorials' way.

usage: accuracy.py DATA --peer-python PYTHON --peer-scripts FOLDER     (DATA holds train/ and val/)

Both train a network of half width, each with its own defaults. The clock of ours starts with the
program and has the decoding in it. One run each takes from ten minutes to an hour on two cores.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import arguments, peer_of

TUTORIAL_EPOCHS = 12


def main() -> None:
    options = arguments(__doc__, target=0.70, peer_epochs=24, seed=0)
    print("| program | seconds | epoch | validation top-1 |", "|---|---|---|---|", sep="\n")
    ours(options.data, options.target, options.seed)
    peer = peer_of(options)
    if peer is None:
        return
    call = [peer.python, peer.scripts / "train_tutorial.py", options.peer_epochs, "half"]
    reached = False
    for line in lines([*map(str, call), str(options.data)]):
        match = re.search(r"epoch (\d+) .*val_acc ([\d.]+) .*total (\d+) s", line)
        if match:
            epoch, top1, seconds = int(match[1]), float(match[2]), float(match[3])
            if (top1 >= options.target and not reached) or epoch == TUTORIAL_EPOCHS:
                print(f"| tutorial | {seconds:.0f} | {epoch} | {top1:.3f} |", flush=True)
            reached = reached or top1 >= options.target


def ours(data: Path, target: float, seed: int) -> None:
    """Print when the target is reached, and the end."""
    start, reached = time.monotonic(), False
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-u", "-m", "alexnet", "train", str(data), "--seed", str(seed)]
        for line in lines([*call, "--output-dir", f"{folder}/run"]):
            seconds = time.monotonic() - start
            match = re.match(r" *(\d+) +\S+ +\S+ +\S+% +\S+ +([\d.]+)%", line)
            if match and float(match[2]) >= 100 * target and not reached:
                reached = True
                print(f"| ours | {seconds:.0f} | {match[1]} | {float(match[2]) / 100:.3f} |")
            match = re.match(r"Best epoch (\d+): top-1 ([\d.]+)%", line)
            if match:
                print(
                    f"| ours, at the end | {seconds:.0f} | {match[1]} | "
                    f"{float(match[2]) / 100:.3f} |",
                    flush=True,
                )


def lines(call: list[str]) -> "list[str] | object":
    """The lines of a program's output as they come."""
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process.stdout


main()
