"""`alexnet size`: the output size and its arithmetic, forwards and backwards."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from alexnet import UserError
from alexnet.spec.windows import Window
from alexnet.summary import paddings


@settings(deadline=None)
@given(
    size=st.integers(1, 40),
    window=st.integers(1, 12),
    stride=st.integers(1, 6),
    padding=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_dropped_are_the_columns_that_no_window_touches(
    size: int, window: int, stride: int, padding: tuple[int, int]
) -> None:
    found = Window(size=size, window=window, stride=stride, padding=padding)
    padded = F.pad(torch.ones(1, 1, 1, size), (*padding, 0, 0)).requires_grad_()
    if padded.shape[-1] < window:
        assert found.output == 0
        return
    output = F.conv2d(padded, torch.ones(1, 1, 1, window), stride=(1, stride))
    assert found.output == output.shape[-1]
    output.sum().backward()
    assert padded.grad is not None
    last = int(padded.grad[0, 0, 0].nonzero()[-1])
    assert found.dropped == padded.shape[-1] - 1 - last
    lost = padded[0, 0, 0, last + 1 :]
    assert found.dropped_zeros == int((lost == 0).sum())


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 6), st.integers(1, 70))
def test_paddings_are_all_that_give_the_size(
    size: int, window: int, stride: int, output: int
) -> None:
    def gives(padding: tuple[int, int]) -> bool:
        trial = Window(size=size, window=window, stride=stride, padding=padding)
        return trial.output == output

    even = [(p, p) for p in range(output * stride + window) if gives((p, p))]
    least = [z for z in range(2 * (output * stride + window)) if gives((z // 2, z - z // 2))][:1]
    try:
        found = [window.padding for window in paddings(size, window, stride, output)]
    except UserError:
        found = []
    assert set(found) == {*even, *((z // 2, z - z // 2) for z in least)}
    assert len(set(found)) == len(found)
    assert [sum(padding) for padding in found[:1]] == least


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            "--input 224 --kernel 11 --stride 4 --padding 2",
            ["55", "N = (W - F + 2P)/S + 1", "= (224 - 11 + 2*2)/4 + 1",
             "= 55.25, rounded down to 55",
             "no window reaches the last 1 of 228 pixels (only zeros)"],
        ),
        (
            "--input 224 --kernel 11 --stride 4 --padding 1:2",
            ["55", "N = (W - F + P_before + P_after)/S + 1", "= (224 - 11 + 1 + 2)/4 + 1", "= 55"],
        ),
        (
            "--pool --input 12",
            ["5", "N = (W - F + 2P)/S + 1", "= (12 - 3)/2 + 1", "= 5.5, rounded down to 5",
             "no window reaches the last 1 of 12 pixels", "neighboring windows overlap by 1"],
        ),
        (
            "--input 13 --kernel 3 --output 13",
            ["--padding 1", "N = (W - F + 2P)/S + 1", "= (13 - 3 + 2*1)/1 + 1", "= 13"],
        ),
        (
            "--input 9 --kernel 1 --stride 4",
            ["3", "N = (W - F + 2P)/S + 1", "= (9 - 1)/4 + 1", "= 3",
             "3 pixels left out between neighboring windows"],
        ),
        (
            "--input 2 --kernel 1 --padding 1",
            ["4", "N = (W - F + 2P)/S + 1", "= (2 - 1 + 2*1)/1 + 1", "= 4",
             "windows at the edge see nothing but zeros"],
        ),
    ],
)  # fmt: skip
def test_size_answers_with_its_arithmetic(command, arguments: str, lines: list[str]) -> None:
    found = command("size", *arguments.split())
    assert found.status == 0
    assert [line.strip() for line in found.out.splitlines()] == lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--input 5 --kernel 11", "a window of 11 does not fit into 5 pixels and 0 zeros"),
        ("--input 224", "--kernel is missing"),
        ("--input 0 --kernel 3", "greater than or equal to 1"),
        ("--input 9 --kernel 3 --padding x", "--padding takes a number such as 2"),
        ("--input 9 --kernel 3 --padding=-1", "--padding takes a number such as 2"),
        ("--input 9 --kernel 3 --padding 1:2:3", "--padding takes a number such as 2"),
        ("--input 9 --kernel 3 --padding 1 --output 9", "and not both"),
        ("--input 9 --kernel 3 --output 2", "without any it is 7 already"),
    ],
)
def test_what_has_no_size_is_one_line(command, arguments: str, said: str) -> None:
    found = command("size", *arguments.split())
    assert found.status == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 1


def test_many_paddings_are_not_all_shown(command) -> None:
    numbers = {"--input": 9, "--kernel": 9, "--stride": 10**12, "--output": 1}
    found = command("size", *(part for pair in numbers.items() for part in pair))
    assert found.out.count("--padding") == 4
    assert found.out.splitlines()[-1] == "and larger ones"
