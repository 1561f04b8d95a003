"""The backends by name: what can compute, before any of them is imported."""

from alexnet.config.settings import check_names

TORCH = "torch"
BACKENDS = (TORCH, "tensorflow", "jax")
"""PyTorch by itself; TensorFlow and JAX through Keras."""


def check_backend(backend: str) -> None:
    """Raise UserError when the backend does not exist, or is not installed."""
    check_names([backend], BACKENDS, "backend")
    if backend != TORCH:
        from alexnet.backends.keras_startup import check_installed

        check_installed(backend)
