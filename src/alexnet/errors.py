"""What goes wrong, in the words of the person who asked for it."""


class UserError(ValueError):
    """A wrong call or unusable data: one line says what was wrong, where, and what to do.

    The command line prints the line and exits with 2.
    """


class RunError(RuntimeError):
    """Work that was right to start and failed on the way: a full disk, a loss that is not finite.

    The command line prints the line and exits with 1.
    """


class DivergedError(RunError):
    """The loss is not finite: the weights ran away.

    Args:
        lr: the learning rate of the step that was not made.
    """

    def __init__(self, loss: float, lr: float) -> None:
        super().__init__(
            f"the loss is {loss}: training stopped before the update, the weights are those of "
            f"the step before; try a lower --lr (it was {lr:.3g}), or --precision fp32"
        )
