"""Which padding gives a wanted output size: the formula of the size, solved for its zeros."""

import itertools
from collections.abc import Iterator

from alexnet.errors import UserError
from alexnet.spec.windows import Window


def paddings(size: int, window: int, stride: int, output: int) -> Iterator[Window]:
    """The window with every equal padding that gives `output`, and with the least padding.

    The least drops nothing of the padded map; where it is odd, the zero more stands after the
    map, as TensorFlow has it. It comes first; then those with equal zeros on both sides, which
    is what every framework takes. With a large stride there are very many.

    Raises:
        UserError: no padding gives it, because already without any the output is larger.

    Example:
        >>> [w.padding for w in paddings(size=224, window=11, stride=4, output=55)]
        [(1, 2), (2, 2), (3, 3)]
    """
    # N = floor((W - F + zeros) / S) + 1 for `least` up to `most` zeros, both sides together.
    least = (output - 1) * stride + window - size
    most = least + stride - 1
    if most < 0:
        bare = Window(size=size, window=window, stride=stride)
        raise UserError(
            f"no padding gives {output}: without any it is {bare.output} already; "
            "use a larger stride or kernel"
        )
    zeros = max(least, 0)
    first, equal = (zeros // 2, zeros - zeros // 2), range(zeros // 2 + 1, most // 2 + 1)
    pairs = itertools.chain([first], ((p, p) for p in equal))
    return (Window(size=size, window=window, stride=stride, padding=pair) for pair in pairs)
