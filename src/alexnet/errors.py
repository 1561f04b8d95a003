"""The exceptions of this package; their messages are one line for the user."""


class UserError(ValueError):
    """An invalid call or unusable data; the message states the error and the remedy.

    The command line prints the message and exits with status 2.
    """


class RunError(RuntimeError):
    """A failure during a valid call, such as a full disk or a non-finite loss.

    The command line prints the message and exits with status 1.
    """


class DivergedError(RunError):
    """The loss is not finite: training diverged.

    Args:
        lr: learning rate of the failed step.
    """

    def __init__(self, loss: float, lr: float) -> None:
        super().__init__(
            f"the loss is {loss}: training stopped before the update, the weights are unchanged; "
            f"try a lower --lr (it was {lr:.3g}), or --precision fp32"
        )
