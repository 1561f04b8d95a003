"""Messages about images that cannot be read."""

from collections.abc import Sequence

from alexnet.text import join_limited, pluralize, printable


def skipped_notices(unreadable: Sequence[tuple[str, str]], num_images: int) -> tuple[str, ...]:
    """Return a notice that names the skipped images, if there are any.

    Args:
        unreadable: path and reason of each unreadable image.
        num_images: number of images, readable or not.

    >>> skipped_notices([("a.png", "the file is empty")], 14)
    ('skipped 1 of 14 images, unreadable: a.png (the file is empty)',)
    """
    if not unreadable:
        return ()
    names = [f"{printable(path)} ({reason})" for path, reason in unreadable]
    skipped = f"skipped {len(unreadable):,} of {pluralize(num_images, 'image')}"
    return (f"{skipped}, unreadable: {join_limited(names)}",)


def unreadable_message(unreadable: Sequence[tuple[str, str]]) -> str:
    """Return the error message for images none of which is readable.

    >>> unreadable_message([("a.png", "the file is empty"), ("b.png", "permission denied")])
    'cannot read a.png: the file is empty; 1 more is unreadable'
    """
    path, reason = unreadable[0]
    more = len(unreadable) - 1
    others = f"; {more:,} more {'is' if more == 1 else 'are'} unreadable" if more else ""
    return f"cannot read {printable(path)}: {reason}{others}"
