"""Grad-CAM: which regions of an image support a class (arXiv 1610.02391)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from alexnet.torch.model import AlexNet


def grad_cam(
    model: AlexNet, images: Tensor, layer: str, targets: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Return the class activation map of each image at a layer, and the logits.

    With A_k the feature maps of the layer and y the logit of the class, the weight of a map is the
    spatial mean of the gradient, a_k = mean(dy / dA_k), and the result is ReLU(sum_k a_k A_k):
    equations 1 and 2 of the paper.

    Args:
        model: In evaluation mode, or dropout makes the result random.
        images: (N, C, H, W), as `model` takes them.
        layer: A layer with feature maps; the authors of the paper use `relu5` of AlexNet.
        targets: The class of each image, (N,); None for the most probable one.

    Returns:
        Non-negative maps (N, h, w), not normalized, and logits (N, num_classes).

    Example:
        >>> model = AlexNet("half", num_classes=5).eval()
        >>> maps, logits = grad_cam(model, torch.zeros(2, 3, 224, 224), "relu5", [0, 3])
        >>> maps.shape, bool((maps >= 0).all()), logits.shape
        (torch.Size([2, 13, 13]), True, torch.Size([2, 5]))
    """
    feature_maps: list[Tensor] = []

    def start_graph(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        # No gradient is needed before this layer. The next layer gets a copy, as it may work in
        # place.
        feature_maps.append(output.detach().clone().requires_grad_())
        return feature_maps[0].clone()

    hook = model.get_submodule(layer).register_forward_hook(start_graph)
    try:
        with torch.enable_grad():
            logits = model(images)
            classes = logits.argmax(1)
            if targets is not None:
                classes = torch.tensor(targets, device=logits.device)
            # The images are independent, so the gradient of the sum is that of each.
            scores = logits.gather(1, classes[:, None])
            (gradients,) = torch.autograd.grad(scores.sum(), feature_maps)
    finally:
        hook.remove()
    maps = feature_maps[0].detach()
    weights = gradients.mean((2, 3), keepdim=True)
    return (weights * maps).sum(1).relu(), logits.detach()
