"""Image preprocessing; it is stored with the weights."""

from dataclasses import dataclass

from alexnet.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Preprocessing(Settings):
    """Preprocessing of a decoded image into the input of conv1.

    The shorter side is resized to `resize_px` and the center square is cropped, as in section 2
    of the paper. Training and test crops of `crop_px` are taken from this stored image. A value v
    (0 to 255) of channel c is then normalized to (v - mean[c]) / std[c].
    """

    resize_px: int = setting(
        256, "shorter side after resizing, the side of the stored image, pixels", low=1
    )
    crop_px: int = setting(224, "side of the crop that is the network's input, pixels", low=1)
    channels: str = setting("rgb", "channel order", choices=("rgb", "bgr", "gray"))
    mean: tuple[float, ...] = setting((127.5,) * 3, "mean of each channel, 0 to 255")
    std: tuple[float, ...] = setting((127.5,) * 3, "standard deviation of each channel, 0 to 255")
    mean_image: str | None = setting(
        None, "file in the run folder with a mean for each pixel, replacing mean"
    )


@dataclass(frozen=True, kw_only=True)
class ColorStatistics:
    """Pixel statistics of the training images, RGB, 0 to 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    axes: tuple[tuple[float, float, float], ...]
    """(3, 3): row i is eigenvector i of the covariance times the square root of its eigenvalue."""

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "axes", tuple(map(tuple, self.axes)))


def resize_px_for(image_size: int) -> int:
    """Return the side of the stored image for crops of this size: 256 for 224 (paper) and 227.

    >>> [resize_px_for(size) for size in (224, 227, 112)]
    [256, 256, 128]
    """
    return 256 if image_size in (224, 227) else max(image_size, round(image_size * 256 / 224))
