"""Find the padding for an output size: the output size formula, solved for the padding."""

import itertools
from collections.abc import Iterator

from alexnet.errors import UserError
from alexnet.spec.windows import Window


def find_paddings(size: int, window: int, stride: int, output: int) -> Iterator[Window]:
    """Yield windows with the minimum padding and every symmetric padding that give `output`.

    The minimum padding comes first and drops nothing of the padded input; if it is odd, the extra
    zero is at the end, as in TensorFlow. Symmetric paddings, which every framework supports,
    follow; a large stride has very many of them.

    Raises:
        UserError: even without padding the output is larger.

    Example:
        >>> [w.padding for w in find_paddings(size=224, window=11, stride=4, output=55)]
        [(1, 2), (2, 2), (3, 3)]
    """
    # N = floor((W - F + zeros) / S) + 1 with `least` to `most` zeros in total.
    least = (output - 1) * stride + window - size
    most = least + stride - 1
    if most < 0:
        unpadded = Window(size=size, window=window, stride=stride)
        raise UserError(
            f"no padding gives an output of {output}: it is {unpadded.output} without padding; "
            "use a larger stride or kernel"
        )
    zeros = max(least, 0)
    first, symmetric = (zeros // 2, zeros - zeros // 2), range(zeros // 2 + 1, most // 2 + 1)
    pairs = itertools.chain([first], ((p, p) for p in symmetric))
    return (Window(size=size, window=window, stride=stride, padding=pair) for pair in pairs)
