"""Networks as the seeds and torchvision write them, and files with a wrong byte."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from alexnet import UserError, weights


class IndexedNet(nn.Module):
    """Two `nn.Sequential`s, `features` and `classifier`, as in the seeds and in torchvision."""

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
            if parameter.dim() > 1:  # Of a size with which the logits depend on the image.
                nn.init.kaiming_normal_(parameter, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.flatten(self.avgpool(self.features(x)), start_dim=1)
        y: torch.Tensor = self.classifier(x)
        return y


def refused_with_a_wrong_byte(file: Path, places: int) -> int:
    """How often a weights file is refused in one line when a byte, at many places, is wrong.

    Else it is read: a wrong byte can be a wrong number.
    """
    content, generator, refused = file.read_bytes(), np.random.default_rng(0), 0
    for place in generator.integers(0, len(content), places):
        wrong = bytearray(content)
        wrong[place] ^= int(generator.integers(1, 256))
        file.write_bytes(wrong)
        said = ""
        try:
            weights.read(file)
        except UserError as error:
            said = str(error)
        assert "\n" not in said
        refused += said != ""
    return refused
