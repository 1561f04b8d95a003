"""The loss of a training step, in operations of Keras, so the same on every backend."""

from typing import Any

from keras import ops


def losses(logits: Any, labels: Any, label_smoothing: float) -> tuple[Any, Any, Any]:
    """Of logits (N, num_classes) and labels (N,), int32.

    Returns:
        The mean cross-entropy that is minimized; the same without smoothing, which is comparable
        with validation; and how many images are classified rightly.
    """
    logits = ops.cast(logits, "float32")
    logs = ops.log_softmax(logits, axis=1)
    shown = -ops.mean(ops.take_along_axis(logs, labels[:, None], axis=1))
    loss = shown
    if label_smoothing:
        # The smoothed target is (1 - s) * one-hot + s / classes, so the loss is a mean of two.
        loss = (1 - label_smoothing) * shown - label_smoothing * ops.mean(logs)
    hits = ops.sum(
        ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=1), "int32"), labels), "int32")
    )
    return loss, shown, hits
