"""What happens to an image before the network sees it; it travels with the weights."""

from dataclasses import dataclass

from alexnet.config.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Preprocessing(Settings):
    """From a decoded image to the values that go into conv1.

    The shorter side is scaled to `resize_px` and the center square of that size is kept, as in
    section 2 of the paper. From this square come crops of `crop_px`. A value v in 0 … 255 of
    channel c then becomes (v - mean[c]) / std[c].
    """

    resize_px: int = setting(256, "shorter side of the image that is kept, pixels", low=1)
    crop_px: int = setting(224, "side of the crop that goes into the network, pixels", low=1)
    channels: str = setting("rgb", "order of the channels", choices=("rgb", "bgr", "gray"))
    mean: tuple[float, ...] = setting((127.5,) * 3, "subtracted from each channel, 0 to 255")
    std: tuple[float, ...] = setting((127.5,) * 3, "each channel is divided by this, 0 to 255")
    mean_image: str | None = setting(
        None, "file in the run's folder with a mean for each pixel, subtracted instead of mean"
    )


@dataclass(frozen=True, kw_only=True)
class ColorStatistics:
    """Statistics of the training images' pixels: red, green, blue, each from 0 to 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    axes: tuple[tuple[float, float, float], ...]
    """(3, 3): row i is eigenvector i of the covariance, times the root of its eigenvalue."""

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "axes", tuple(map(tuple, self.axes)))


def resize_px_for(image_size: int) -> int:
    """Side of the kept square for a crop of this size: the paper's 256 for 224 (227 too).

    >>> [resize_px_for(size) for size in (224, 227, 112)]
    [256, 256, 128]
    """
    return 256 if image_size in (224, 227) else max(image_size, round(image_size * 256 / 224))
