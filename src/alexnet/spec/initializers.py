"""Weight initializations: of the paper, of other implementations, and the one that trains best."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Init:
    """A weight initialization. A number is the standard deviation of a zero-mean normal.

    `fan_in` and `fan_out` select Kaiming normal in that mode, with the gain of the activation.
    `uniform` selects U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)), PyTorch's default, for biases too.
    """

    source: str
    conv: tuple[float | str, ...]
    dense: tuple[float | str, float | str, float | str]
    biases: tuple[float, ...] = (0.0,) * 8
    """Constants for conv1 to conv5, fc6, fc7 and fc8."""
    dense_damping: float = 1.0
    """Factor on the Kaiming standard deviation of dense layers."""


# --8<-- [start:paper-5-ones]
_ONES = (0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0)
# --8<-- [end:paper-5-ones]

INITS = {
    # --8<-- [start:paper-5-weights]
    "paper": Init(
        source="paper, section 5",
        conv=(0.01,) * 5,
        dense=(0.01, 0.01, 0.01),
        biases=_ONES,
    ),
    # --8<-- [end:paper-5-weights]
    "cuda-convnet": Init(
        source="the 2012 program, layers-145.cfg",
        conv=(0.01, 0.01, 0.03, 0.03, 0.03),
        dense=(0.01, 0.01, 0.01),
        biases=_ONES,
    ),
    "bvlc": Init(
        source="Caffe, models/bvlc_alexnet/train_val.prototxt",
        conv=(0.01,) * 5,
        dense=(0.005, 0.005, 0.01),
        biases=tuple(0.1 * bias for bias in _ONES),
    ),
    "caffenet": Init(
        source="Caffe, models/bvlc_reference_caffenet/train_val.prototxt",
        conv=(0.01,) * 5,
        dense=(0.005, 0.005, 0.01),
        biases=_ONES,
    ),
    "tutorial": Init(
        source="tutorial notes, init_weights=True",
        conv=("fan_out",) * 5,
        dense=(0.01, 0.01, 0.01),
    ),
    "torch": Init(
        source="defaults of torch.nn.Conv2d and Linear, as in torchvision's alexnet",
        conv=("uniform",) * 5,
        dense=("uniform",) * 3,
    ),
    "kaiming": Init(
        source="arXiv 1502.01852",
        conv=("fan_in",) * 5,
        dense=("fan_in", "fan_in", 0.01),
    ),
    "damped": Init(
        source="best in our benchmarks/: the activations of `tutorial` at any image size",
        conv=("fan_out",) * 5,
        dense=("fan_in", "fan_in", 0.01),
        dense_damping=0.3,
    ),
}
