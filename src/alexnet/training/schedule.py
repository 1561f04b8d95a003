"""The learning rate over time."""

import math
from dataclasses import dataclass

from alexnet.config.hyperparameters import Recipe


@dataclass
class Plateau:
    """Counts the drops of the learning rate, one whenever the validation error plateaus.

    The paper divides the rate by 10 when the validation error stops improving (section 5).
    """

    best_error: float = math.inf
    epochs_without_improvement: int = 0
    drops: int = 0

    def update(self, error: float, recipe: Recipe) -> None:
        """Record the validation error of an epoch."""
        # --8<-- [start:paper-5-rate]
        if error < self.best_error:
            self.best_error, self.epochs_without_improvement = error, 0
            return
        self.epochs_without_improvement += 1
        has_stalled = self.epochs_without_improvement >= recipe.lr_drop_patience
        if recipe.schedule == "plateau" and has_stalled and self.drops < recipe.lr_drops:
            self.drops, self.epochs_without_improvement = self.drops + 1, 0
        # --8<-- [end:paper-5-rate]


def learning_rate(recipe: Recipe, epochs_done: float, plateau: Plateau) -> float:
    """Return the learning rate after a number of epochs, which may be fractional.

    Example:
        >>> from alexnet.config.hyperparameters import recipe
        >>> fast = recipe("fast", epochs=10, warmup_epochs=0, lr=0.02)
        >>> [round(learning_rate(fast, t, Plateau()), 4) for t in (0, 5, 10)]
        [0.02, 0.01, 0.0]
    """
    if epochs_done < recipe.warmup_epochs:
        return recipe.lr * epochs_done / recipe.warmup_epochs
    if recipe.schedule == "cosine":
        length = max(recipe.epochs - recipe.warmup_epochs, 1e-9)
        fraction = min((epochs_done - recipe.warmup_epochs) / length, 1)
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * fraction))
    return recipe.lr * recipe.lr_drop_factor**plateau.drops
