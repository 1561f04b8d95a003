"""Tests of the PyTorch side draw the same numbers each time they run."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
