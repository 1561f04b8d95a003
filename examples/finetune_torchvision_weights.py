"""Fine-tune torchvision's ImageNet weights on your own classes.

    python examples/finetune_torchvision_weights.py flowers
    python examples/finetune_torchvision_weights.py flowers --weights alexnet-owt-7be5be79.pth

`owt` downloads torchvision's weights once, 244 MB, and verifies them. Without a network, pass the
file: with --offline nothing is downloaded, and what is missing ends in an error.
"""

import argparse
import sys
from collections.abc import Mapping
from typing import Any

import alexnet


def fine_tune(
    data: str,
    weights: str = "owt",
    *,
    epochs: int = 5,
    offline: bool = False,
    changes: Mapping[str, Any] | None = None,
    output_dir: str | None = None,
) -> Any:
    """Train a new last layer, and the loaded layers at a tenth of the learning rate.

    The weights determine the network, the image size and the normalization. conv1 and conv2
    detect edges, colors and textures, useful for any photograph, so they are frozen.
    """
    recipe = alexnet.recipe(
        "fast",
        pretrained=weights,
        freeze=("conv1", "conv2"),
        pretrained_lr_factor=0.1,
        epochs=epochs,
        lr=0.01,
    )
    return alexnet.train(
        data,
        variant="owt",
        changes=changes,
        recipe=recipe,
        offline=offline,
        output_dir=output_dir,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="a folder with one subfolder per class")
    parser.add_argument("--weights", default="owt", help="owt, or a file with those weights")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--offline", action="store_true", help="do not download")
    parser.add_argument("--output-dir", help="default: a new folder in runs/")
    args = parser.parse_args()
    try:
        result = fine_tune(
            args.data,
            args.weights,
            epochs=args.epochs,
            offline=args.offline,
            output_dir=args.output_dir,
        )
    except (alexnet.UserError, alexnet.RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"top-1 {result.metrics.top1:.1%} in epoch {result.best_epoch}: {result.run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
