"""From a run to what computes: its inference model or its trainer, in any backend."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alexnet.backends.compute import Compute
from alexnet.backends.interfaces import InferenceModel, Trainer
from alexnet.backends.names import TORCH, check_backend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alexnet.config.preprocessing import Preprocessing
    from alexnet.run import Run
    from alexnet.spec.architectures import Architecture


def open_inference_model(
    run: "Run",
    compute: Compute = Compute(),
    *,
    file: str | None = None,
) -> InferenceModel:
    """Load the network of a run with the weights of its best epoch.

    Args:
        file: name of another weights file in the run's folder, such as `alexnet.run.LAST`.

    Raises:
        UserError: the run has no weights yet or damaged ones, or the backend or the device is not
            available.
    """
    return inference_model(
        run.architecture,
        run.weights(file),
        run.preprocessing,
        compute.with_backend(run.backend),
        mean_image=run.mean_image(),
    )


def inference_model(
    architecture: "Architecture",
    weights: "Mapping[str, np.ndarray]",
    preprocessing: "Preprocessing",
    compute: Compute,
    *,
    mean_image: "NDArray[np.float32] | None" = None,
) -> InferenceModel:
    """Build an inference model from weights by canonical name.

    Args:
        mean_image: (resize_px, resize_px, 3), where the preprocessing subtracts one.

    Raises:
        UserError: weights that do not fit, or a backend or device that is not available.
    """
    backend = compute.backend or TORCH
    check_backend(backend)
    if backend == TORCH:
        from alexnet.torch.inference import TorchInferenceModel

        return TorchInferenceModel(
            architecture,
            weights,
            preprocessing,
            mean_image=mean_image,
            device=compute.device,
            workers=compute.workers,
        )
    from alexnet.backends.keras_startup import start

    start(backend, compute.device)
    from alexnet.keras.inference import KerasInferenceModel

    return KerasInferenceModel(
        architecture, weights, preprocessing, mean_image=mean_image, workers=compute.workers
    )


def open_trainer(
    run: "Run",
    weights: "Mapping[str, np.ndarray]",
    compute: Compute = Compute(),
    *,
    lr_factors: Mapping[str, float] | None = None,
    threads: int | None = None,
) -> Trainer:
    """Build a network of the run's architecture with these weights, to train by its recipe.

    Args:
        lr_factors: factor on the learning rate of an array, by canonical name: 1.0 where it is
            absent, 0.0 for a frozen array.
        threads: CPU threads; a sum over another number of threads rounds differently.
    """
    compute = compute.with_backend(run.backend)
    backend = compute.backend or TORCH
    if backend == TORCH:
        import torch

        from alexnet.torch.inference import TorchInferenceModel
        from alexnet.torch.trainer import Trainer as TorchTrainer

        if threads is not None:
            torch.set_num_threads(threads)
        model = _of_run(run, weights, compute)
        assert isinstance(model, TorchInferenceModel)
        return TorchTrainer(
            model,
            run.recipe,
            precision=compute.precision,
            lr_factors=lr_factors or {},
            compiled=compute.compile,
        )
    from alexnet.backends.keras_startup import set_threads, start

    start(backend, compute.device)
    if threads is not None:
        set_threads(backend, threads)
    from alexnet.keras.inference import KerasInferenceModel
    from alexnet.keras.trainer import Trainer as KerasTrainer

    model = _of_run(run, weights, compute)
    assert isinstance(model, KerasInferenceModel)
    return KerasTrainer(model, run.recipe, precision=compute.precision, lr_factors=lr_factors)


def _of_run(run: "Run", weights: "Mapping[str, np.ndarray]", compute: Compute) -> InferenceModel:
    return inference_model(
        run.architecture, weights, run.preprocessing, compute, mean_image=run.mean_image()
    )
