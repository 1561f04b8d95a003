"""The training loss in `keras.ops`, so that it is the same on every backend."""

from typing import Any

from keras import ops


def losses(logits: Any, labels: Any, label_smoothing: float) -> tuple[Any, Any, Any]:
    """Compute the cross-entropy of logits (N, num_classes) and labels (N,), int32.

    Returns:
        The mean cross-entropy to minimize; the same without label smoothing, comparable with the
        validation loss; and the number of correctly classified images.
    """
    logits = ops.cast(logits, "float32")
    log_probabilities = ops.log_softmax(logits, axis=1)
    unsmoothed = -ops.mean(ops.take_along_axis(log_probabilities, labels[:, None], axis=1))
    loss = unsmoothed
    if label_smoothing:
        # The smoothed target is (1 - s) * one_hot + s / num_classes: a weighted sum of two terms.
        loss = (1 - label_smoothing) * unsmoothed - label_smoothing * ops.mean(log_probabilities)
    correct = ops.sum(
        ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=1), "int32"), labels), "int32")
    )
    return loss, unsmoothed, correct
