"""Carries out an augmentation plan in one go on the device that computes.

The same arithmetic as `alexnet.data.augmentation.apply`, which is faster on a CPU.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from alexnet.config.preprocessing import Preprocessing
from alexnet.data.augmentation import LUMA, Plan, scaling


def apply(
    plan: Plan,
    images: Tensor,
    preprocessing: Preprocessing,
    mean_image: Tensor | None = None,
) -> Tensor:
    """The batch (N, channels, crop_px, crop_px) of kept squares (N, H, W, 3), uint8, RGB."""
    device, size = images.device, preprocessing.crop_px
    grid = _sampling_grid(plan, images.shape[1], size, device)
    cropped = _sample(images.permute(0, 3, 1, 2).float(), grid)
    if mean_image is not None:
        mean = mean_image.permute(2, 0, 1).expand(len(grid), -1, -1, -1)
        gain = torch.from_numpy(plan.gain).to(device)[..., None, None]
        cropped = cropped - _sample(mean, grid) / gain
    scales = scaling(plan, preprocessing, has_mean_image=mean_image is not None)
    subtracted, factors = (
        torch.from_numpy(scale).to(device, torch.float32)[..., None, None] for scale in scales
    )
    values = (cropped - subtracted) * factors
    if preprocessing.channels == "bgr":
        values = values.flip(1)
    elif preprocessing.channels == "gray":
        luma = torch.from_numpy(LUMA).to(device).view(1, 3, 1, 1)
        values = (values * luma).sum(1, keepdim=True)
    return values.contiguous(memory_format=torch.channels_last)


def _sample(images: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _sampling_grid(plan: Plan, side: int, size: int, device: torch.device) -> Tensor:
    """For each output pixel the place in the square that it is read from, (N, size, size, 2)."""
    boxes = torch.from_numpy(plan.boxes).to(device, torch.float32)
    top, left, height, width = boxes.unbind(1)
    centers = (torch.arange(size, device=device) + 0.5) / size
    rows = _inside(top[:, None] + centers * height[:, None], top, height)
    flipped = torch.from_numpy(plan.flipped).to(device)[:, None]
    columns = torch.where(flipped, 1 - centers, centers)
    columns = _inside(left[:, None] + columns * width[:, None], left, width)
    shape = (len(boxes), size, size)
    return torch.stack(
        [
            (2 * columns / side - 1)[:, None, :].expand(shape),
            (2 * rows / side - 1)[:, :, None].expand(shape),
        ],
        dim=-1,
    )


def _inside(places: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """No nearer to the edge of the box than half a pixel, so that nothing outside is mixed in."""
    low, high = start[:, None] + 0.5, (start + length)[:, None] - 0.5
    return torch.minimum(torch.maximum(places, low), high)
