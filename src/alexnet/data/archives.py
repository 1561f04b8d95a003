"""Unpack zip and tar archives into the cache, safely and once per content."""

import errno
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from alexnet.data.folders import SPLIT_NAMES
from alexnet.data.hashing import fingerprints
from alexnet.errors import UserError
from alexnet.io.cache import build_once, cache_dir, require_space
from alexnet.progress import Advance, Progress, no_progress
from alexnet.text import format_bytes, printable

FILES = "files"

_ZIP_SUFFIXES = (".zip",)
_TAR_SUFFIXES = (".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_JUNK = ("__MACOSX", ".DS_Store")
_BLOCK = 1 << 20
_BAD_NAMES = (
    errno.EEXIST,
    errno.EILSEQ,
    errno.EINVAL,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
)

# Images hardly compress: an archive that grows by more, beyond this size, is a zip bomb.
_MAX_GROWTH = 200
_FREE_GROWTH_BYTES = 1 << 30
_CHECK_SPACE_BYTES = 1 << 28


def is_archive(path: Path) -> bool:
    """Return whether the file is a zip or tar archive by its content or its name."""
    return path.name.lower().endswith(_ZIP_SUFFIXES + _TAR_SUFFIXES) or _kind(path) != ""


def _kind(path: Path) -> str:
    try:
        if zipfile.is_zipfile(path):
            return "zip"
        return "tar" if tarfile.is_tarfile(path) else ""
    except Exception:  # the readers raise many types on a corrupt file
        return ""


def unpack(path: Path, source: str, progress: Progress | None = None) -> Path:
    """Unpack an archive into the cache, unless it is there, and return the folder of its files.

    A folder that contains nothing but one folder is skipped in favor of that one.

    Raises:
        UserError: the archive is corrupt, encrypted, far too large when unpacked, or would
            write outside its folder; the cache is left unchanged.
        RunError: the disk is full.
    """
    kind = _kind(path)
    shown = printable(source)
    if not kind:
        raise UserError(f"{shown}: not a zip or tar archive, or a truncated one")
    digest = fingerprints([os.fspath(path)], progress)[0]
    if digest is None:
        raise UserError(f"cannot read {shown}: permission denied")

    def build(folder: Path) -> dict[str, Any]:
        target = folder / FILES
        target.mkdir()
        with (
            _reraise_as_user_error(shown),
            (progress or no_progress)(f"unpacking {shown}", path.stat().st_size) as steps,
        ):
            writer = _Writer(target, shown, path.stat().st_size, steps)
            (_unzip if kind == "zip" else _untar)(path, writer)
        return {"source": shown, "files": writer.files, "bytes": writer.bytes_written}

    folder = build_once(
        "archives",
        digest.hex(),
        build,
        valid=lambda f: (f / FILES).is_dir(),
        progress=progress or no_progress,
    )
    return _content_folder(folder / FILES)


def _content_folder(folder: Path) -> Path:
    """Descend through folders that contain nothing but one folder."""
    while True:
        inside = [p for p in folder.iterdir() if not p.name.startswith(".") and p.name not in _JUNK]
        # A folder with images of its own is a class or a split, and its parent the root.
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink():
            return folder
        if inside[0].name.casefold() in SPLIT_NAMES:
            return folder
        if not any(p.is_dir() or p.suffix.lower() in (".csv", ".tsv") for p in inside[0].iterdir()):
            return folder
        folder = inside[0]


class _Writer:
    """Writes the members under one folder, never outside of it, and counts their bytes."""

    def __init__(self, folder: Path, shown: str, archive_bytes: int, steps: Advance) -> None:
        self.folder, self.shown, self.steps = folder, shown, steps
        self.max_bytes = max(_FREE_GROWTH_BYTES, archive_bytes * _MAX_GROWTH)
        self.bytes_written = self.bytes_checked = self.files = 0

    def refusal(self, name: str, reason: str) -> UserError:
        return UserError(
            f"refusing to unpack {self.shown}: its member {printable(name)!r} {reason}; "
            "if you trust it, unpack it yourself and pass the folder"
        )

    def path_of(self, name: str) -> Path | None:
        """Return the path of a member; None for files that macOS adds and for the root."""
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or name[1:2] == ":" or "\0" in name:
            raise self.refusal(name, "has an absolute path")
        if ".." in parts:
            raise self.refusal(name, "is outside of the archive")
        clean = PurePosixPath(*parts)
        if any(part in _JUNK or part.startswith("._") for part in clean.parts):
            return None
        return self.folder / clean if clean.parts else None

    def expect(self, total_bytes: int) -> None:
        """Raise `UserError` if this many bytes are too many to unpack."""
        if total_bytes > self.max_bytes:
            raise UserError(
                f"refusing to unpack {self.shown}: it would grow to {format_bytes(total_bytes)}, "
                f"more than {_MAX_GROWTH} times its size; if you trust it, unpack it yourself"
            )
        require_space(cache_dir(), total_bytes, f"unpacking {self.shown}")

    def write(self, name: str, stream: IO[bytes]) -> None:
        path = self.path_of(name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            while block := stream.read(_BLOCK):
                self.bytes_written += len(block)
                if self.bytes_written > self.max_bytes:
                    self.expect(self.bytes_written)
                if self.bytes_written - self.bytes_checked > _CHECK_SPACE_BYTES:
                    require_space(cache_dir(), _CHECK_SPACE_BYTES, f"unpacking {self.shown}")
                    self.bytes_checked = self.bytes_written
                file.write(block)
        self.files += 1

    def link(self, name: str, target: str) -> None:
        """Create a symbolic link, provided its target is inside the folder."""
        path = self.path_of(name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        self._check_inside(path, name)

    def hard_link(self, name: str, target: str) -> None:
        """Create a hard link to a file that is already written."""
        path, original = self.path_of(name), self.path_of(target)
        if path is None or original is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(original, path)

    def _check_inside(self, path: Path, name: str) -> None:
        root = os.path.realpath(self.folder)
        if os.path.commonpath([root, os.path.realpath(path)]) != root:
            raise self.refusal(name, "is a link to a target outside of the archive")


def _unzip(path: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        for member in members:
            member.filename = _name_of(member)
        writer.expect(sum(member.file_size for member in members))
        links = []
        for member in members:
            mode = member.external_attr >> 16
            if member.flag_bits & 1:
                raise UserError(
                    f"{writer.shown}: the archive is encrypted; unpack it and pass the folder"
                )
            if stat.S_ISLNK(mode):
                links.append((member.filename, os.fsdecode(archive.read(member))))
            elif not member.is_dir():
                if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                    raise writer.refusal(member.filename, "is a device")
                with archive.open(member) as stream:
                    writer.write(member.filename, stream)
            writer.steps.advance(member.compress_size)
    # Links come last so that no file is written through one.
    for name, target in links:
        writer.link(name, target)


class _StrictMember(tarfile.TarInfo):
    """Raise on a corrupt header, which tarfile would treat as the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_StrictMember":
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"truncated or corrupt: {error}") from None


def _untar(path: Path, writer: _Writer) -> None:
    links: list[tuple[Callable[[str, str], None], str, str]] = []
    with path.open("rb") as file, tarfile.open(fileobj=file, tarinfo=_StrictMember) as archive:
        position = 0
        for member in archive:
            if member.issym():
                links.append((writer.link, member.name, member.linkname))
            elif member.islnk():
                links.insert(0, (writer.hard_link, member.name, member.linkname))
            elif member.isfile():
                stream = archive.extractfile(member)
                assert stream is not None
                writer.write(member.name, stream)
            elif not member.isdir():
                raise writer.refusal(member.name, "is a device or a pipe")
            archive.members.clear()  # type: ignore[attr-defined]  # else all members stay in memory
            writer.steps.advance(file.tell() - position)
            position = file.tell()
    for create_link, name, target in links:
        create_link(name, target)


@contextmanager
def _reraise_as_user_error(shown: str) -> Iterator[None]:
    """Turn the exceptions that a corrupt archive causes into a one-line `UserError`."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise UserError(f"{shown}: the archive is corrupt or truncated: {_line(error)}") from None
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{shown}: the archive is corrupt: {_line(error)}") from None
    except OSError as error:
        if error.errno is None or error.errno in _BAD_NAMES:
            raise UserError(f"{shown}: the archive is corrupt: {_line(error)}") from None
        raise


def _line(error: Exception) -> str:
    return printable(" ".join(str(error).split()) or type(error).__name__)


_ZIP_NAME_IS_UTF8 = 0x800


def _name_of(member: zipfile.ZipInfo) -> str:
    """Return the member's name; many programs write UTF-8 without the flag for it."""
    if member.flag_bits & _ZIP_NAME_IS_UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename
