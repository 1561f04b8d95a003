"""Zip and tar archives, unpacked into the cache: once for each content, and safely."""

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
from alexnet.text import byte_text, printable

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

# Images hardly shrink: an archive that grows by more than this, beyond this size, is a bomb.
_MOST_GROWTH = 200
_FREE_GROWTH_BYTES = 1 << 30
_SPACE_EVERY_BYTES = 1 << 28


def is_archive(path: Path) -> bool:
    """Whether the file is a zip or tar archive, or at least has the name of one."""
    return path.name.lower().endswith(_ZIP_SUFFIXES + _TAR_SUFFIXES) or _kind(path) != ""


def _kind(path: Path) -> str:
    try:
        if zipfile.is_zipfile(path):
            return "zip"
        return "tar" if tarfile.is_tarfile(path) else ""
    except Exception:  # a broken file makes the readers raise many things
        return ""


def unpacked(path: Path, source: str, progress: Progress | None = None) -> Path:
    """The folder in the cache with the files of the archive; a single folder is entered.

    Raises:
        UserError: an archive that is broken, encrypted, far too large when unpacked, or that
            would write outside its folder; nothing is left then.
        RunError: the disk is full.
    """
    kind = _kind(path)
    shown = printable(source)
    if not kind:
        raise UserError(f"{shown}: not a zip or tar archive, or one that is cut short")
    digest = fingerprints([os.fspath(path)], progress)[0]
    if digest is None:
        raise UserError(f"{shown}: the archive cannot be read: permission denied")

    def build(folder: Path) -> dict[str, Any]:
        target = folder / FILES
        target.mkdir()
        with (
            _in_words(shown),
            (progress or no_progress)(f"unpacking {shown}", path.stat().st_size) as steps,
        ):
            writer = _Writer(target, shown, path.stat().st_size, steps)
            (_unzip if kind == "zip" else _untar)(path, writer)
        return {"source": shown, "files": writer.files, "bytes": writer.written}

    folder = build_once(
        "archives",
        digest.hex(),
        build,
        valid=lambda f: (f / FILES).is_dir(),
        progress=progress or no_progress,
    )
    return _entered(folder / FILES)


def _entered(folder: Path) -> Path:
    """Down through folders that hold nothing but one folder."""
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
    """Writes files under one folder, counting bytes, and never anywhere else."""

    def __init__(self, folder: Path, shown: str, archive_bytes: int, steps: Advance) -> None:
        self.folder, self.shown, self.steps = folder, shown, steps
        self.most_bytes = max(_FREE_GROWTH_BYTES, archive_bytes * _MOST_GROWTH)
        self.written = self.files = self.checked = 0

    def refuse(self, name: str, why: str) -> UserError:
        return UserError(
            f"{self.shown}: not unpacked, since {printable(name)!r} in it {why}; "
            "unpack it yourself if you trust it, and give the folder"
        )

    def place(self, name: str) -> Path | None:
        """Where a member goes; None for what macOS adds and for the root itself."""
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or name[1:2] == ":" or "\0" in name:
            raise self.refuse(name, "has an absolute path")
        if ".." in parts:
            raise self.refuse(name, "leads out of the archive")
        clean = PurePosixPath(*parts)
        if any(part in _JUNK or part.startswith("._") for part in clean.parts):
            return None
        return self.folder / clean if clean.parts else None

    def expect(self, total_bytes: int) -> None:
        """Refuse before unpacking when so many bytes are too many."""
        if total_bytes > self.most_bytes:
            raise UserError(
                f"{self.shown}: not unpacked, since it would grow to {byte_text(total_bytes)}, "
                f"more than {_MOST_GROWTH} times its size; unpack it yourself if you trust it"
            )
        require_space(cache_dir(), total_bytes, f"unpacking {self.shown}")

    def write(self, name: str, stream: IO[bytes]) -> None:
        place = self.place(name)
        if place is None:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            while block := stream.read(_BLOCK):
                self.written += len(block)
                if self.written > self.most_bytes:
                    self.expect(self.written)
                if self.written - self.checked > _SPACE_EVERY_BYTES:
                    require_space(cache_dir(), _SPACE_EVERY_BYTES, f"unpacking {self.shown}")
                    self.checked = self.written
                file.write(block)
        self.files += 1

    def link(self, name: str, target: str) -> None:
        """A symbolic link, if what it leads to lies in the folder."""
        place = self.place(name)
        if place is None:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        self._check_inside(place, name)

    def copy_link(self, name: str, target: str) -> None:
        """A hard link to a file that was written before."""
        place, original = self.place(name), self.place(target)
        if place is None or original is None:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(original, place)

    def _check_inside(self, place: Path, name: str) -> None:
        root = os.path.realpath(self.folder)
        if os.path.commonpath([root, os.path.realpath(place)]) != root:
            raise self.refuse(name, "is a link that leads out of the archive")


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
                    f"{writer.shown}: the archive is encrypted; unpack it and give the folder"
                )
            if stat.S_ISLNK(mode):
                links.append((member.filename, os.fsdecode(archive.read(member))))
            elif not member.is_dir():
                if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                    raise writer.refuse(member.filename, "is a device")
                with archive.open(member) as stream:
                    writer.write(member.filename, stream)
            writer.steps.advance(member.compress_size)
    # Links come last, so that no file can be written through one.
    for name, target in links:
        writer.link(name, target)


class _StrictMember(tarfile.TarInfo):
    """tarfile takes a damaged header for the end of the archive; half an archive is an error."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_StrictMember":
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"cut short or damaged: {error}") from None


def _untar(path: Path, writer: _Writer) -> None:
    links: list[tuple[Callable[[str, str], None], str, str]] = []
    with path.open("rb") as file, tarfile.open(fileobj=file, tarinfo=_StrictMember) as archive:
        position = 0
        for member in archive:
            if member.issym():
                links.append((writer.link, member.name, member.linkname))
            elif member.islnk():
                links.insert(0, (writer.copy_link, member.name, member.linkname))
            elif member.isfile():
                stream = archive.extractfile(member)
                assert stream is not None
                writer.write(member.name, stream)
            elif not member.isdir():
                raise writer.refuse(member.name, "is a device or a pipe")
            archive.members.clear()  # type: ignore[attr-defined]  # or they would all stay in memory
            writer.steps.advance(file.tell() - position)
            position = file.tell()
    for make, name, target in links:
        make(name, target)


@contextmanager
def _in_words(shown: str) -> Iterator[None]:
    """Whatever a broken archive provokes, in one line."""
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
        raise UserError(f"{shown}: the archive is damaged or cut short: {_line(error)}") from None
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{shown}: the archive is damaged: {_line(error)}") from None
    except OSError as error:
        if error.errno is None or error.errno in _BAD_NAMES:
            raise UserError(f"{shown}: the archive is damaged: {_line(error)}") from None
        raise


def _line(error: Exception) -> str:
    return printable(" ".join(str(error).split()) or type(error).__name__)


_ZIP_NAME_IS_UTF8 = 0x800


def _name_of(member: zipfile.ZipInfo) -> str:
    """The member's name; many programs write UTF-8 without saying so, which reads as cp437."""
    if member.flag_bits & _ZIP_NAME_IS_UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename
