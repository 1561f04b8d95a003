"""The output size of a sliding window, with the arithmetic written out."""

from dataclasses import dataclass

from alexnet.spec.layers import Pair, output_size

FORMULA = "N = (W - F + 2P)/S + 1"
FORMULA_TWO_SIDES = "N = (W - F + P_before + P_after)/S + 1"


@dataclass(frozen=True, kw_only=True)
class Window:
    """The window of a convolution or pooling layer on an input `size` pixels wide.

    Example:
        >>> conv1 = Window(size=224, window=11, stride=4, padding=(2, 2))
        >>> conv1.arithmetic
        '(224 - 11 + 2*2)/4 + 1 = 55.25, 1 dropped'
        >>> conv1.output, conv1.dropped, conv1.dropped_zeros
        (55, 1, 1)
        >>> Window(size=224, window=11, stride=4, padding=(1, 2)).arithmetic
        '(224 - 11 + 1 + 2)/4 + 1 = 55'
    """

    size: int
    window: int
    stride: int
    padding: Pair = (0, 0)

    @property
    def output(self) -> int:
        """Output size; 0 if the window does not fit."""
        return output_size(self.size, self.window, self.stride, self.padding)

    @property
    def room(self) -> int:
        """Pixels by which the window can move; negative if it does not fit."""
        return self.size + sum(self.padding) - self.window

    @property
    def dropped(self) -> int:
        """Rows and columns at the end that no window reaches, padding included."""
        return self.room % self.stride if self.room >= 0 else 0

    @property
    def dropped_zeros(self) -> int:
        """Number of dropped rows and columns that are padding."""
        after = min(self.dropped, self.padding[1])
        # A stride larger than the input drops all of it, and the padding before it too.
        return after + max(self.dropped - self.padding[1] - self.size, 0)

    @property
    def formula(self) -> str:
        """The formula, with one P for symmetric padding."""
        return FORMULA if self.padding[0] == self.padding[1] else FORMULA_TWO_SIDES

    @property
    def calculation(self) -> str:
        """The right-hand side of the formula with its numbers."""
        before, after = self.padding
        zeros = f" + 2*{before}" if before == after else f" + {before} + {after}"
        return f"({self.size} - {self.window}{zeros if before or after else ''})/{self.stride} + 1"

    @property
    def exact(self) -> str:
        """The value of the formula before rounding down, with up to two decimals."""
        return f"{self.room / self.stride + 1:.2f}".rstrip("0").rstrip(".")

    @property
    def arithmetic(self) -> str:
        """The formula with its numbers, its value and what is dropped, in one line."""
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        return f"{self.calculation} = {self.exact}{dropped}"
