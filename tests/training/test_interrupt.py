"""What the first, the second and the third Ctrl-C do, with the signals themselves."""

import signal
import sys
from collections.abc import Iterator

import pytest

from alexnet.training import interrupt
from alexnet.training.interrupt import StopRequest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_a_signal_everything_is_as_it_was() -> None:
    with StopRequest() as stop:
        pass
    assert stop.signal_number is None
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_second_signal_costs_nothing_and_a_third_interrupts() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert stop.signal_number == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_just_after_costs_nothing_either() -> None:
    with StopRequest():
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_signal_long_after_means_what_it_always_means(monkeypatch: pytest.MonkeyPatch) -> None:
    with StopRequest():
        signal.raise_signal(signal.SIGINT)
    monkeypatch.setattr(interrupt, "_IMPATIENCE_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
