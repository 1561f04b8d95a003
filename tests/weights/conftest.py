"""Networks with the layout of the seeds and torchvision, and hostile or corrupt files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from alexnet import UserError, weights


class IndexedNet(nn.Module):
    """Two `nn.Sequential`s, `features` and `classifier`, as in the seeds and torchvision."""

    def __init__(
        self,
        widths: Sequence[int],
        hidden: int,
        num_classes: int,
        pool: nn.Module | None = None,
    ) -> None:
        super().__init__()
        c1, c2, c3, c4, c5 = widths
        self.features = nn.Sequential(
            nn.Conv2d(3, c1, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(c1, c2, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(c2, c3, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c3, c4, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c4, c5, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = pool or nn.Identity()
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.5),
            nn.Linear(c5 * 6 * 6, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, num_classes),
        )
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            if parameter.dim() > 1:  # large enough that the logits depend on the image
                nn.init.kaiming_normal_(parameter, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.flatten(self.avgpool(self.features(x)), start_dim=1)
        y: torch.Tensor = self.classifier(x)
        return y


class Exploit:
    """Unpickling it creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


def read_error(source: Any) -> str:
    """Return the one-line message of reading weights that cannot be read."""
    with pytest.raises(UserError) as caught:
        weights.read(source)
    message = str(caught.value)
    assert "\n" not in message
    if isinstance(source, Path):
        assert str(source) in message
    return message


def count_rejected_corruptions(file: Path, count: int) -> int:
    """Corrupt single bytes of a weights file and return how many changes raise UserError.

    The others are read, as a changed byte can be a changed weight.
    """
    content, generator, rejected = file.read_bytes(), np.random.default_rng(0), 0
    for position in generator.integers(0, len(content), count):
        corrupt = bytearray(content)
        corrupt[position] ^= int(generator.integers(1, 256))
        file.write_bytes(corrupt)
        message = ""
        try:
            weights.read(file)
        except UserError as error:
            message = str(error)
        assert "\n" not in message
        rejected += message != ""
    return rejected
