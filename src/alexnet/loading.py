"""From a run to what computes: its inference model or its trainer, in any backend."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alexnet.backends.interfaces import InferenceModel, Trainer
from alexnet.backends.names import TORCH, check_backend

if TYPE_CHECKING:
    import numpy as np

    from alexnet.run import Run


def open_inference_model(
    run: "Run",
    *,
    backend: str | None = None,
    device: str = "auto",
    workers: int | None = None,
    file: str | None = None,
) -> InferenceModel:
    """The network of a run with the weights of its best epoch.

    Args:
        backend: one of `BACKENDS`; when not given, the one that trained the run.
        file: of the weights in the run's folder, such as `alexnet.run.LAST`, of the last epoch.

    Raises:
        UserError: the run has no weights yet, they are damaged, or the backend or the device is
            not there.
    """
    return _inference_model(run, run.weights(file), backend or run.backend, device, workers)


def open_trainer(
    run: "Run",
    weights: "Mapping[str, np.ndarray]",
    *,
    backend: str | None = None,
    lr_factors: Mapping[str, float] | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> Trainer:
    """A network of the run's architecture with these weights, to be trained by its recipe.

    Args:
        backend: one of `BACKENDS`; when not given, the one that the run began with.
        lr_factors: on the learning rate, by canonical name of the array: 1.0 where it is absent,
            0.0 where the array stays as it is.
        threads: that compute on a CPU; a sum over another number of threads rounds otherwise.
        compiled: use torch.compile; Keras' steps always are compiled.
    """
    backend = backend or run.backend
    if backend == TORCH:
        import torch

        from alexnet.torch.inference import TorchInferenceModel
        from alexnet.torch.trainer import Trainer as TorchTrainer

        if threads is not None:
            torch.set_num_threads(threads)
        model = _inference_model(run, weights, backend, device, workers)
        assert isinstance(model, TorchInferenceModel)
        return TorchTrainer(model, run.recipe, lr_factors=lr_factors or {}, compiled=compiled)
    from alexnet.backends.keras_startup import start, use_threads

    start(backend, device)
    if threads is not None:
        use_threads(backend, threads)
    from alexnet.keras.inference import KerasInferenceModel
    from alexnet.keras.trainer import Trainer as KerasTrainer

    model = _inference_model(run, weights, backend, device, workers)
    assert isinstance(model, KerasInferenceModel)
    return KerasTrainer(model, run.recipe, lr_factors=lr_factors)


def _inference_model(
    run: "Run", weights: "Mapping[str, np.ndarray]", backend: str, device: str, workers: int | None
) -> InferenceModel:
    check_backend(backend)
    options: dict[str, Any] = {"mean_image": run.mean_image(), "workers": workers}
    if backend == TORCH:
        from alexnet.torch.inference import TorchInferenceModel

        return TorchInferenceModel(
            run.architecture, weights, run.preprocessing, device=device, **options
        )
    from alexnet.backends.keras_startup import start

    start(backend, device)
    from alexnet.keras.inference import KerasInferenceModel

    return KerasInferenceModel(run.architecture, weights, run.preprocessing, **options)
