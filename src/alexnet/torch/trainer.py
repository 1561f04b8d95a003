"""Training steps in PyTorch, and the state that a checkpoint needs to resume."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from alexnet.config.hyperparameters import Recipe
from alexnet.data.augmentation import Plan
from alexnet.errors import DivergedError
from alexnet.torch.device import autocast_type
from alexnet.torch.inference import TorchInferenceModel
from alexnet.torch.model import AlexNet
from alexnet.torch.optimizers import optimizer

_OPTIMIZER = "optimizer."


class Trainer:
    """Train a network step by step; the caller runs the epochs.

    Args:
        precision: auto, fp32, bf16 or fp16.
        lr_factors: Factors on the learning rate by canonical name: 1.0 where absent, 0.0 for
            frozen arrays.
        compiled: Compile the network with torch.compile, which takes a minute on a CPU.
    """

    def __init__(
        self,
        model: TorchInferenceModel,
        recipe: Recipe,
        *,
        precision: str = "auto",
        lr_factors: Mapping[str, float] = MappingProxyType({}),
        compiled: bool = False,
    ) -> None:
        self.model = model
        self._recipe = recipe
        self._dtype = autocast_type(precision, model.device)
        if compiled:
            model.network.compile()
        self._frozen_norms = _freeze(model.network, lr_factors)
        groups = _groups(model.network, lr_factors)
        # The optimizer numbers parameters group by group.
        self._names = [name for names in groups.values() for name in names]
        self._optimizer = optimizer(
            recipe.optimizer,
            [
                {"params": list(parameters.values()), "lr_factor": factor}
                for factor, parameters in groups.items()
            ],
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            fused=self._can_fuse(),
        )
        self._scaler = torch.amp.GradScaler(model.device.type, enabled=self._dtype is torch.float16)

    def _can_fuse(self) -> bool:
        """Whether the optimizer's update is one kernel.

        PyTorch's fused SGD makes its momentum of uninitialized memory when the first step is
        skipped because of an overflow in float16, and the weights are NaN soon after.
        """
        if self._dtype is torch.float16 and self._recipe.optimizer == "sgd":
            return False
        return self.model.device.type in ("cpu", "cuda")

    def step(
        self,
        images: Sequence[NDArray[np.uint8]],
        labels: NDArray[np.int64],
        plan: Plan,
        *,
        lr: float,
        seed: int,
    ) -> tuple[float, int]:
        """Update the weights once; see `alexnet.backends.Trainer`."""
        torch.manual_seed(seed)
        self.model.network.train()
        for norm in self._frozen_norms:
            norm.eval()
        targets = torch.from_numpy(labels).to(self.model.device)
        with torch.autocast(self.model.device.type, self._dtype, enabled=self._dtype is not None):
            logits = self.model.forward(images, plan).float()
        loss = F.cross_entropy(logits, targets, label_smoothing=self._recipe.label_smoothing)
        # Reported without label smoothing, to be comparable with the validation loss.
        reported = F.cross_entropy(logits.detach(), targets).item()
        if not math.isfinite(loss.item() + reported):
            raise DivergedError(reported, lr)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        for group in self._optimizer.param_groups:
            group["lr"] = lr * group["lr_factor"]
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return reported, int((logits.argmax(1) == targets).sum())

    def weights(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by canonical name, float32."""
        return self.model.network.weights()

    def state(self) -> dict[str, np.ndarray]:
        """Return the state of the optimizer and of the loss scaling, by name."""
        arrays = {}
        for index, values in self._optimizer.state_dict()["state"].items():
            for key, value in values.items():
                if value is not None:
                    name = f"{_OPTIMIZER}{self._names[index]}.{key}"
                    arrays[name] = torch.as_tensor(value).cpu().numpy().copy()
        if self._scaler.is_enabled():
            arrays[f"{_OPTIMIZER}loss_scale"] = np.array([self._scaler.get_scale()], np.float32)
        return arrays

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore what `state` returned."""
        states: dict[int, dict[str, Any]] = {}
        parameters = dict(self.model.network.named_parameters())
        for index, name in enumerate(self._names):
            prefix = f"{_OPTIMIZER}{name}."
            values = {
                key.removeprefix(prefix): _in_format_of(parameters[name], torch.from_numpy(array))
                for key, array in arrays.items()
                if key.startswith(prefix)
            }
            if values:
                states[index] = values
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": states, "param_groups": groups})
        scale = arrays.get(f"{_OPTIMIZER}loss_scale")
        if scale is not None:
            self._scaler.load_state_dict(self._scaler.state_dict() | {"scale": float(scale[0])})


def _freeze(model: AlexNet, lr_factors: Mapping[str, float]) -> list[nn.Module]:
    """Freeze parameters with factor 0; return the batch norms whose running averages freeze too."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(lr_factors.get(name) != 0)
    norms = (m for m in model.named_children() if isinstance(m[1], nn.BatchNorm2d))
    return [norm for name, norm in norms if lr_factors.get(f"{name}.weight") == 0]


def _groups(
    model: AlexNet, lr_factors: Mapping[str, float]
) -> dict[float, dict[str, nn.Parameter]]:
    """Group the trainable parameters by their factor on the learning rate."""
    groups: dict[float, dict[str, nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(lr_factors.get(name, 1.0), {})[name] = parameter
    return groups


def _in_format_of(parameter: Tensor, values: Tensor) -> Tensor:
    """Copy to the memory format of the parameter: fused optimizers ignore strides."""
    if values.shape != parameter.shape:
        return values.clone()
    return torch.empty_like(parameter, dtype=values.dtype, device="cpu").copy_(values)
