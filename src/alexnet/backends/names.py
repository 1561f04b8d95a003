"""The names of the backends; none is imported here."""

from alexnet.settings import check_names

TORCH = "torch"
BACKENDS = (TORCH, "tensorflow", "jax")
"""PyTorch, and Keras on TensorFlow or JAX."""


def check_backend(backend: str) -> None:
    """Raise `UserError` if the backend is unknown or not installed."""
    check_names([backend], BACKENDS, "backend")
    if backend != TORCH:
        from alexnet.backends.keras_startup import check_installed

        check_installed(backend)
