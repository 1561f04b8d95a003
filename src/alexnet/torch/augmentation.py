"""Apply an augmentation plan to a whole batch on its device.

The same arithmetic as `alexnet.data.augmentation.apply`, which is faster on a CPU.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from alexnet.config.preprocessing import Preprocessing
from alexnet.data.augmentation import Plan, scaling
from alexnet.data.gray import LUMA


def apply(
    plan: Plan,
    images: Tensor,
    preprocessing: Preprocessing,
    mean_image: Tensor | None = None,
) -> Tensor:
    """Return the batch (N, channels, crop_px, crop_px) of stored images (N, H, W, 3), uint8 RGB."""
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
    """Return where in the stored image each output pixel is sampled, (N, size, size, 2)."""
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


def _inside(positions: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """Clamp to half a pixel inside the box, so that no pixel outside contributes."""
    low, high = start[:, None] + 0.5, (start + length)[:, None] - 0.5
    return torch.minimum(torch.maximum(positions, low), high)
