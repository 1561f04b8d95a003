"""Grad-CAM: where in an image a network finds what speaks for a class (arXiv 1610.02391)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from alexnet.torch.model import AlexNet


def grad_cam(
    model: AlexNet, images: Tensor, layer: str, targets: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """The class activation map of each image at a layer, and the logits.

    With A_k the layer's maps and y the logit of the class, the weight of a map is the mean over
    its places of the gradient, a_k = mean(dy / dA_k), and the result ReLU(sum over k of a_k A_k):
    equations 1 and 2 of the paper.

    Args:
        model: in evaluation mode, as dropout would change every call.
        images: (N, C, H, W), as `model` takes them.
        layer: one whose output is maps; the paper's authors take `relu5` of AlexNet.
        targets: (N,), the class of each image; the most probable one when not given.

    Returns:
        Maps (N, h, w), not negative, not scaled; logits (N, num_classes).

    Example:
        >>> model = AlexNet("half", num_classes=5).eval()
        >>> maps, logits = grad_cam(model, torch.zeros(2, 3, 224, 224), "relu5", [0, 3])
        >>> maps.shape, bool((maps >= 0).all()), logits.shape
        (torch.Size([2, 13, 13]), True, torch.Size([2, 5]))
    """
    kept: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        # The graph begins here: nothing before is of interest. What goes on is a copy, so that
        # a layer that works in place leaves the maps as they are.
        kept.append(output.detach().clone().requires_grad_())
        return kept[0].clone()

    hook = model.get_submodule(layer).register_forward_hook(cut)
    try:
        with torch.enable_grad():
            logits = model(images)
            chosen = logits.argmax(1)
            if targets is not None:
                chosen = torch.tensor(targets, device=logits.device)
            # Images do not depend on each other, so the gradient of the sum is that of each.
            (gradients,) = torch.autograd.grad(logits.gather(1, chosen[:, None]).sum(), kept)
    finally:
        hook.remove()
    maps = kept[0].detach()
    weights = gradients.mean((2, 3), keepdim=True)
    return (weights * maps).sum(1).relu(), logits.detach()
