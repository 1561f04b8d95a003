"""AlexNet in PyTorch."""

from alexnet.torch.lrn import LocalResponseNorm
from alexnet.torch.model import AlexNet

__all__ = ["AlexNet", "LocalResponseNorm"]
