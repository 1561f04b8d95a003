"""Part `equality`: the device computes what the CPU computes, at the variants' own sizes.

Both get the same weights and the same batch; float32 is computed without TF32, and there is no
dropout, since each device draws its own random numbers.
"""

import copy
from typing import Any

import numpy as np
import torch

from gpu_parts import project
from gpu_parts.budget import Budget, Deadline
from gpu_parts.context import Context
from gpu_parts.measure import OUT_OF_MEMORY, attempt, float32_as, free_memory
from gpu_parts.tables import Column, Result

TOLERANCES = {"logits": 1e-4, "losses": 1e-3, "weights": 2e-2}
"""logits, losses: largest difference relative to the largest value of the CPU. weights: length of
the difference after the steps relative to the length of all steps' update.

On a CPU float32 against float64, or with another memory format, had losses off by 1e-5 and
weights by 2e-3 at most (half, paper, owt)."""
_STEPS, _BATCHES = 10, 2
_LR = 1e-5
"""The loss falls to about half in ten steps. At 1e-3 the steps are so large that a rounding decides
which ReLU is on, and float32 differs from float64 by a tenth of the update."""
_CPU = torch.device("cpu")


def run(context: Context, deadline: Deadline, result: Result) -> None:
    """Compare logits and ten training steps of each variant."""
    tables = {
        "logits": result.table(
            "Logits in float32 without TF32, against the CPU's",
            Column("variant", "variant"),
            Column("difference", "difference", ".1e"),
            Column("tolerance", "tolerance", ".0e"),
            Column("passed", "equal"),
            Column("cpu_float64", "CPU to float64", ".1e"),
            Column("device_float64", "device to float64", ".1e"),
            Column("tf32", "with TF32", ".1e"),
            Column("bf16", "in bf16", ".1e"),
        ),
        "steps": result.table(
            f"{_STEPS} training steps in float32 without TF32, against the CPU's",
            Column("variant", "variant"),
            Column("losses", "losses", ".1e"),
            Column("losses_tolerance", "tolerance", ".0e"),
            Column("weights", "weights", ".1e"),
            Column("weights_tolerance", "tolerance", ".0e"),
            Column("worst", "worst array"),
            Column("passed", "equal"),
            Column("first_loss", "first loss", ".4f"),
            Column("last_loss", "last loss", ".4f"),
        ),
    }
    tables["logits"].notes.append(
        "Largest difference relative to the largest logit; TF32 and bf16 are shown, not judged."
    )
    tables["steps"].notes.append(
        "losses: largest relative difference; weights: difference relative to the update."
    )
    compare = {"logits": _logits, "steps": _steps}
    budget = Budget(deadline.left(), dict.fromkeys(context.variants, 1.0), deadline.clock)
    for variant in context.variants:
        own = budget.deadline(variant)
        for what, table in tables.items():
            if not own.allows():
                result.skipped.append(f"{what} of {variant}: no time left")
                continue
            measured = attempt(lambda v=variant, f=compare[what]: f(v, context))
            free_memory()
            if measured.value is not None:
                table.rows.append({"variant": variant, **measured.value})
                if not measured.value["passed"]:
                    result.failures.append(f"{what} of {variant} differ from the CPU's")
            elif measured.is_error:
                result.failures.append(f"{what} of {variant}: {measured.status}")
            else:
                result.skipped.append(f"{what} of {variant}: {OUT_OF_MEMORY}")


def _network_parts(variant: str, context: Context) -> tuple[project.Architecture, Any]:
    # Kaiming's weights let the signal through, so that a difference in any layer is seen.
    changes = {**context.scale.changes, "init": "kaiming", "dropout": 0.0}
    net = project.build(variant, **changes)
    return net, project.initial_weights(net)


def batches_for(net: project.Architecture, images: int) -> list[torch.Tensor]:
    """The batches that every device gets."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(images, *net.input_shape, generator=generator).contiguous(
            memory_format=torch.channels_last
        )
        for _ in range(_BATCHES)
    ]


def _logits(variant: str, context: Context) -> dict[str, Any]:
    net, arrays = _network_parts(variant, context)
    batch = batches_for(net, context.scale.equality_batch)[0]
    reference = project.open_inference_model(net, arrays, _CPU)
    expected = _logits_of(reference, batch)
    wide = copy.deepcopy(reference.network).double().eval()
    with torch.inference_mode():
        exact = wide(batch.double()).numpy()
    network = project.open_inference_model(net, arrays, context.device)
    moved = batch.to(context.device)
    with float32_as("fp32"):
        measured = _logits_of(network, moved)
    with float32_as("tf32"):
        tf32 = _logits_of(network, moved)
    with torch.autocast(context.device.type, torch.bfloat16):
        bf16 = _logits_of(network, moved)
    difference = relative(measured, expected)
    return {
        "difference": difference,
        "tolerance": TOLERANCES["logits"],
        "passed": difference <= TOLERANCES["logits"],  # False for NaN
        "cpu_float64": relative(expected, exact),
        "device_float64": relative(measured, exact),
        "tf32": relative(tf32, expected),
        "bf16": relative(bf16, expected),
    }


def _logits_of(network: project.TorchInferenceModel, batch: torch.Tensor) -> np.ndarray:
    project.feed(network, batch)
    network.network.eval()
    with torch.inference_mode():
        return network.forward([], None).float().cpu().numpy()  # type: ignore[arg-type]


def relative(measured: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest expected value."""
    return float(np.abs(measured - expected).max() / np.abs(expected).max())


def _steps(variant: str, context: Context) -> dict[str, Any]:
    net, before = _network_parts(variant, context)
    expected_losses, expected = take_steps(net, before, _CPU, context)
    with float32_as("fp32"):
        losses, measured = take_steps(net, before, context.device, context)
    off = np.abs(np.array(losses) - expected_losses) / np.abs(expected_losses)
    length, updates = {}, {}
    for name, array in expected.items():
        length[name] = float(np.linalg.norm(measured[name].astype(np.float64) - array))
        updates[name] = float(np.linalg.norm(array.astype(np.float64) - before[name]))
    total = _norm(length) / max(_norm(updates), 1e-30)
    each = {name: length[name] / max(updates[name], 1e-30) for name in length}
    worst = max(each, key=lambda name: each[name])
    loss = float(off.max())
    return {
        "losses": loss,
        "losses_tolerance": TOLERANCES["losses"],
        "weights": total,
        "weights_tolerance": TOLERANCES["weights"],
        "worst": f"{worst} {each[worst]:.1e}",
        "passed": loss <= TOLERANCES["losses"] and total <= TOLERANCES["weights"],
        "first_loss": losses[0],
        "last_loss": losses[-1],
    }


def _norm(lengths: dict[str, float]) -> float:
    return float(np.linalg.norm(list(lengths.values())))


def take_steps(
    net: project.Architecture, arrays: dict[str, np.ndarray], device: torch.device, context: Context
) -> tuple[list[float], dict[str, np.ndarray]]:
    """The losses of ten steps of the project's trainer, and the weights after them."""
    network = project.open_inference_model(net, arrays, device)
    trainer = project.make_trainer(network, "fp32", label_smoothing=0.0)
    images = context.scale.equality_batch
    batches = [batch.to(device) for batch in batches_for(net, images)]
    labels = np.arange(images, dtype=np.int64) % net.num_classes
    losses = []
    for step in range(_STEPS):
        project.feed(network, batches[step % _BATCHES])
        losses.append(project.training_step(trainer, labels, lr=_LR, seed=step))
    return losses, trainer.weights()
