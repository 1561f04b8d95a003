"""Map a function over many files with threads, in order and in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from alexnet.cores import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_PENDING_PER_WORKER = 4


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result]:
    """Like `map`, but with threads; memory does not grow with the number of items.

    >>> list(ordered_map(str, range(3), workers=2))
    ['0', '1', '2']
    """
    workers = max(1, workers or available_cores())
    pool = ThreadPoolExecutor(workers, thread_name_prefix="alexnet-data")
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= workers * _PENDING_PER_WORKER:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
