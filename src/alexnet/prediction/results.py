"""The prediction for one image."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one image, most probable first, or why it is unreadable."""

    path: str
    """The path as it was passed or discovered; a description for an image from memory."""
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    error: str | None = None

    @property
    def label(self) -> str | None:
        """The most probable class; None for an unreadable image."""
        return self.classes[0] if self.classes else None

    @property
    def confidence(self) -> float | None:
        """Probability of the most probable class; None for an unreadable image."""
        return self.probabilities[0] if self.probabilities else None

    def __repr__(self) -> str:
        if self.error is not None:
            return f"Prediction({self.path!r}, error={self.error!r})"
        pairs = zip(self.classes, self.probabilities, strict=True)
        top = ", ".join(f"{name} {probability:.1%}" for name, probability in pairs)
        return f"Prediction({self.path!r}: {top})"
