"""PyTorch on one core: the networks here are too small for more."""

from collections.abc import Iterator

import pytest

import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
