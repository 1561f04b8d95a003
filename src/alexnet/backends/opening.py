"""The frameworks that can compute, behind one door; each is imported when it is asked for."""

import importlib.util
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from alexnet.config.preprocessing import Preprocessing
from alexnet.config.settings import check_names
from alexnet.errors import UserError

if TYPE_CHECKING:  # the command line's help lists the backends, and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

    from alexnet.data.augmentation import Plan
    from alexnet.run import Run

TORCH = "torch"
BACKENDS = (TORCH, "tensorflow", "jax")
"""What can compute: PyTorch by itself, TensorFlow and JAX through Keras."""


class InferenceModel(Protocol):
    """A network with its weights and its preprocessing, ready to compute."""

    preprocessing: Preprocessing

    def logits(self, images: "Sequence[NDArray[np.uint8]]", plan: "Plan") -> "NDArray[np.float32]":
        """Logits (N, num_classes) of kept squares (resize_px, resize_px, 3), RGB."""
        ...

    def peaks(
        self, images: "Sequence[NDArray[np.uint8]]", plan: "Plan"
    ) -> "dict[str, NDArray[np.float32]]":
        """The largest output of each channel or unit over these images, by activation layer."""
        ...


class Trainer(Protocol):
    """A network that can be trained, step by step."""

    @property
    def model(self) -> InferenceModel: ...

    def step(
        self,
        images: "Sequence[NDArray[np.uint8]]",
        labels: "NDArray[np.int64]",
        plan: "Plan",
        *,
        lr: float,
        seed: int,
    ) -> tuple[float, int]:
        """One update of the weights.

        Args:
            images: kept squares (resize_px, resize_px, 3), RGB.
            labels: (N,), the number of the class of each.
            plan: what is done to each image before it goes in.
            seed: of what the network draws in this step, the dropout.

        Returns:
            The mean cross-entropy, and how many images were classified rightly, both before
            the update and without label smoothing.

        Raises:
            DivergedError: the loss is not finite; the weights are as they were before the step.
        """
        ...

    def weights(self) -> "dict[str, np.ndarray]":
        """Copies of the weights by canonical name."""
        ...

    def state(self) -> "dict[str, np.ndarray]":
        """What the optimizer carries from step to step, by name."""
        ...

    def load_state(self, arrays: "Mapping[str, np.ndarray]") -> None:
        """Put back what `state` gave."""
        ...


def check_backend(backend: str) -> None:
    """Raise UserError when the backend does not exist, or is not installed."""
    check_names([backend], BACKENDS, "backend")
    if backend != TORCH:
        from alexnet.backends.keras_startup import check_installed

        check_installed(backend)


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


def check_device(device: str, backend: str = TORCH) -> None:
    """Raise UserError when the backend is not installed, or this machine has no such device."""
    check_backend(backend)
    if backend == TORCH:
        if device.partition(":")[0] == "cuda" and _torch_is_without_cuda():
            raise UserError(
                f"device {device!r} is not on this machine: PyTorch is installed in a build "
                f"without CUDA; choose --device auto, or install the build with CUDA"
            )
        from alexnet.torch.device import find_device

        find_device(device)
    else:
        from alexnet.backends.keras_startup import start

        start(backend, device)


def _torch_is_without_cuda() -> bool:
    """As PyTorch's own note of its build says: importing PyTorch to ask it takes seconds."""
    found = importlib.util.find_spec(TORCH)
    if found is None or found.origin is None:
        return False
    try:
        build = runpy.run_path(str(Path(found.origin).with_name("version.py")))
    except OSError:
        return False
    return "cuda" in build and not build["cuda"] and not build.get("hip")


def threads(backend: str = TORCH) -> int:
    """Threads with which the backend computes on this CPU."""
    if backend == TORCH:
        import torch

        return torch.get_num_threads()
    from alexnet.backends.keras_startup import threads

    return threads(backend)


def libraries(backend: str) -> tuple[str, ...]:
    """The packages whose versions say what computed."""
    return (TORCH,) if backend == TORCH else ("keras", backend)
