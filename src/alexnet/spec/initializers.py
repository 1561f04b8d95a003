"""How the weights start: the numbers of the paper, of other programs, and of what trains best."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Init:
    """How the weights start. A number is the standard deviation of a normal distribution round 0.

    `fan_in` and `fan_out` stand for Kaiming normal, gain by the activation; `uniform` for the
    uniform distribution within 1 / sqrt(fan_in) that PyTorch layers start with, biases too.
    """

    source: str
    conv: tuple[float | str, ...]
    dense: tuple[float | str, float | str, float | str]
    biases: tuple[float, ...] = (0.0,) * 8
    """Of conv1 … conv5, fc6, fc7, fc8."""
    dense_damping: float = 1.0
    """Factor on the `fan_in` and `fan_out` of dense layers."""


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
        source="seeds 000 and 004, init_weights=True",
        conv=("fan_out",) * 5,
        dense=(0.01, 0.01, 0.01),
    ),
    "torch": Init(
        source="torch.nn.Conv2d and Linear, with which torchvision's alexnet starts",
        conv=("uniform",) * 5,
        dense=("uniform",) * 3,
    ),
    "kaiming": Init(
        source="arXiv 1502.01852",
        conv=("fan_in",) * 5,
        dense=("fan_in", "fan_in", 0.01),
    ),
    "damped": Init(
        source="what trains best here, see benchmarks/: the seeds' signal at every size",
        conv=("fan_out",) * 5,
        dense=("fan_in", "fan_in", 0.01),
        dense_damping=0.3,
    ),
}
