"""`alexnet size`: output size and padding, with their arithmetic."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from alexnet import UserError
from alexnet.spec.windows import Window
from alexnet.summary import find_paddings


@settings(deadline=None)
@given(
    size=st.integers(1, 40),
    window=st.integers(1, 12),
    stride=st.integers(1, 6),
    padding=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_dropped_columns_have_no_gradient(
    size: int, window: int, stride: int, padding: tuple[int, int]
) -> None:
    sliding = Window(size=size, window=window, stride=stride, padding=padding)
    padded = F.pad(torch.ones(1, 1, 1, size), (*padding, 0, 0)).requires_grad_()
    if padded.shape[-1] < window:
        assert sliding.output == 0
        return
    output = F.conv2d(padded, torch.ones(1, 1, 1, window), stride=(1, stride))
    assert sliding.output == output.shape[-1]
    output.sum().backward()
    assert padded.grad is not None
    last = int(padded.grad[0, 0, 0].nonzero()[-1])
    assert sliding.dropped == padded.shape[-1] - 1 - last
    lost = padded[0, 0, 0, last + 1 :]
    assert sliding.dropped_zeros == int((lost == 0).sum())


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 6), st.integers(1, 70))
def test_find_paddings_returns_all_paddings_with_that_output(
    size: int, window: int, stride: int, output: int
) -> None:
    def gives(padding: tuple[int, int]) -> bool:
        trial = Window(size=size, window=window, stride=stride, padding=padding)
        return trial.output == output

    symmetric = [(p, p) for p in range(output * stride + window) if gives((p, p))]
    least = [z for z in range(2 * (output * stride + window)) if gives((z // 2, z - z // 2))][:1]
    try:
        paddings = [window.padding for window in find_paddings(size, window, stride, output)]
    except UserError:
        paddings = []
    assert set(paddings) == {*symmetric, *((z // 2, z - z // 2) for z in least)}
    assert len(set(paddings)) == len(paddings)
    assert [sum(padding) for padding in paddings[:1]] == least


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            "--input 224 --kernel 11 --stride 4 --padding 2",
            ["55", "N = (W - F + 2P)/S + 1", "= (224 - 11 + 2*2)/4 + 1",
             "= 55.25, rounded down to 55",
             "no window reaches the last 1 of 228 pixels (padding only)"],
        ),
        (
            "--input 224 --kernel 11 --stride 4 --padding 1:2",
            ["55", "N = (W - F + P_before + P_after)/S + 1", "= (224 - 11 + 1 + 2)/4 + 1", "= 55"],
        ),
        (
            "--pool --input 12",
            ["5", "N = (W - F + 2P)/S + 1", "= (12 - 3)/2 + 1", "= 5.5, rounded down to 5",
             "no window reaches the last 1 of 12 pixels", "neighboring windows overlap by 1 pixel"],
        ),
        (
            "--input 13 --kernel 3 --output 13",
            ["--padding 1", "N = (W - F + 2P)/S + 1", "= (13 - 3 + 2*1)/1 + 1", "= 13"],
        ),
        (
            "--input 9 --kernel 1 --stride 4",
            ["3", "N = (W - F + 2P)/S + 1", "= (9 - 1)/4 + 1", "= 3",
             "3 pixels skipped between neighboring windows"],
        ),
        (
            "--input 2 --kernel 1 --padding 1",
            ["4", "N = (W - F + 2P)/S + 1", "= (2 - 1 + 2*1)/1 + 1", "= 4",
             "windows at the edge cover only padding"],
        ),
    ],
)  # fmt: skip
def test_size_prints_the_result_and_its_arithmetic(
    command, arguments: str, lines: list[str]
) -> None:
    result = command("size", *arguments.split())
    assert result.status == 0
    assert [line.strip() for line in result.out.splitlines()] == lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--input 5 --kernel 11",
            "the kernel of 11 does not fit into 5 pixels with a padding of 0",
        ),
        ("--input 224", "missing --kernel"),
        ("--input 0 --kernel 3", "greater than or equal to 1"),
        ("--input 9 --kernel 3 --padding x", "invalid value for --padding: expected a number"),
        ("--input 9 --kernel 3 --padding=-1", "invalid value for --padding: expected a number"),
        ("--input 9 --kernel 3 --padding 1:2:3", "invalid value for --padding: expected a number"),
        (
            "--input 9 --kernel 3 --padding 1 --output 9",
            "--padding and --output cannot be combined",
        ),
        ("--input 9 --kernel 3 --output 2", "it is 7 without padding"),
    ],
)
def test_size_errors_are_one_line(command, arguments: str, message: str) -> None:
    result = command("size", *arguments.split())
    assert result.status == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1


def test_only_the_smallest_of_many_paddings_are_printed(command) -> None:
    numbers = {"--input": 9, "--kernel": 9, "--stride": 10**12, "--output": 1}
    result = command("size", *(part for pair in numbers.items() for part in pair))
    assert result.out.count("--padding") == 4
    assert result.out.splitlines()[-1] == "… and larger paddings"
