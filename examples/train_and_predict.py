"""Train a classifier, evaluate it, and classify images with it.

python examples/train_and_predict.py                             # digits, half a minute
python examples/train_and_predict.py flowers --epochs 30         # a folder with one per class
python examples/train_and_predict.py flowers --images garden/*.jpg
"""

import argparse
from pathlib import Path

import alexnet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--images", nargs="+", help="images to classify; default: ten of the data")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--output-dir", help="default: a new folder in runs/")
    args = parser.parse_args()

    recipe = alexnet.recipe("fast", epochs=args.epochs, image_size=args.image_size)
    if args.data == "digits":  # a mirrored digit is another sign or none
        recipe = alexnet.recipe(
            "fast",
            epochs=args.epochs,
            image_size=args.image_size,
            crop_area=0.7,
            horizontal_flip=False,
        )
    result = alexnet.train(args.data, recipe=recipe, output_dir=args.output_dir)
    print(result.diagnosis.line)

    # The run folder is all that is needed later, in another process or on another machine.
    run = alexnet.Run.open(result.run.folder)
    metrics = alexnet.evaluate(run, args.data).metrics
    print(f"{run.folder}: top-1 {metrics.top1:.1%} of {metrics.count} validation images")

    images = args.images or sorted(Path(run.data.root).rglob("*.[jp][pn]g"))[:10]
    for prediction in alexnet.predict(run, images, top=3):
        if prediction.error:
            print(f"{prediction.path}: {prediction.error}")
            continue
        likely = zip(prediction.classes, prediction.probabilities, strict=True)
        print(f"{prediction.path}: {', '.join(f'{name} {p:.1%}' for name, p in likely)}")


if __name__ == "__main__":
    main()
