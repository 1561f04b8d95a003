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
    """The loss is not finite: the weights ran away."""
