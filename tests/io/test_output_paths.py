"""Output paths are checked before the work."""

import os
from pathlib import Path

import pytest

from alexnet import UserError
from alexnet.io.output_paths import check_figure_path, check_output_file, check_output_folder

not_root = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere"
)


def test_valid_paths_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.PNG"
    assert check_output_file(str(path), label="figure", formats=("png",), overwrite=False) == path
    assert check_output_folder(tmp_path / "new" / "deep", label="run") == tmp_path / "new" / "deep"
    path.write_text("old")
    assert check_output_file(path, label="figure") == path
    assert check_output_file("/dev/null", label="report") == Path("/dev/null")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "it is a folder; pass the name of a file"),
        ("a.gif", "the suffix must be one of .png, .svg"),
        ("a", "the suffix must be one of .png, .svg"),
        ("no/a.png", "no such folder: {folder}/no"),
        ("file/a.png", "{folder}/file is not a folder"),
    ],
)
def test_invalid_files(name: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as error:
        check_output_file(tmp_path / name, label="figure", formats=("png", "svg"))
    expected = problem.format(folder=tmp_path)
    assert str(error.value) == f"cannot write the figure to {tmp_path / name}: {expected}"


def test_existing_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.touch()
    with pytest.raises(UserError) as error:
        check_output_file(path, label="figure", overwrite=False, exists_reason="is yours")
    assert str(error.value) == (
        f"{path} already exists and is yours; choose another name, or replace it with --force "
        "(force=True)"
    )


def test_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as error:
        check_output_folder(tmp_path / "file" / "run", label="evaluation")
    assert str(error.value) == (
        f"cannot write the evaluation to {tmp_path}/file/run: {tmp_path}/file is a file; choose "
        "another folder with --output-dir"
    )


@not_root
def test_paths_without_permission(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch(0o400)
    with pytest.raises(UserError, match="permission denied"):
        check_output_file(tmp_path / "a.png", label="figure")
    tmp_path.chmod(0o500)
    for check in (check_output_file, check_output_folder):
        with pytest.raises(UserError, match="is not writable"):
            check(tmp_path / "b", label="figure")


def test_default_figure_path_is_in_the_run(tmp_path: Path) -> None:
    path = check_figure_path(None, tmp_path, ["filters"])
    assert path == tmp_path / "figures" / "filters.png"
    path.parent.mkdir()
    path.touch()
    assert check_figure_path(None, tmp_path, ["filters"]) == path
    with pytest.raises(UserError, match="already exists"):
        check_figure_path(path, tmp_path, [])
