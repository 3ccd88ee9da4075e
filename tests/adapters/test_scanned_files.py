"""Files and folders are searched for keys: all of them, nothing followed, trouble told."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import pytest

from reconciler.adapters import scanned_files
from reconciler.adapters.scanned_files import STREAM_NAME, FileScan
from reconciler.credentials.leaks import Part
from tests.fakes.planted import ID, OTHER_ID, key, secret_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    folder = tmp_path / "tree"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def plant(path: str, content: str | bytes | None = None) -> Path:
    """Write a file that holds a key, or something else."""
    at = Path(path)
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_bytes((content or key()).encode() if not isinstance(content, bytes) else content)
    return at


def places(look: FileScan, *named: str) -> list[str]:
    """Give `file:line:column` of all that is found."""
    return [str(leak.where) for leak in look.places(named or (".",))]


def test_all_files_of_a_folder_are_searched_in_order() -> None:
    """Hidden ones and deep ones too; a place is named as the folder was."""
    plant("b.txt", f"\n  {key()}\n")
    plant(".env")
    plant("a/deep/er/c.bin", b"\0\xff" + key().encode())
    plant("a/clean", "nothing")
    look = FileScan()
    assert places(look) == [".env:1:1", "b.txt:2:3", "a/deep/er/c.bin:1:1"]
    assert (look.files, look.unread) == (4, [])
    assert places(FileScan(), "a/") == ["a/deep/er/c.bin:1:1"]
    assert places(FileScan(), "./b.txt", "a/deep/../clean") == ["./b.txt:2:3"]


def test_a_git_folder_is_left_out_unless_it_is_named() -> None:
    """Its objects are compressed, and its logs are git's; a file of that name is a file."""
    plant(".git/config")
    plant("sub/.git")
    assert places(FileScan()) == ["sub/.git:1:1"]
    assert places(FileScan(), ".git") == [".git/config:1:1"]
    assert places(FileScan(), ".git/config") == [".git/config:1:1"]


def test_a_link_that_is_met_is_not_followed_and_one_that_is_named_is(tmp_path: Path) -> None:
    """A tree cannot lead the search out of itself, nor round in a circle."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text(key())
    Path("round").symlink_to(".")
    Path("out").symlink_to(outside)
    Path("file").symlink_to(outside / "a")
    look = FileScan()
    assert (places(look), look.files, look.unread) == ([], 0, [])
    assert places(FileScan(), "out", "file") == ["out/a:1:1", "file:1:1"]


def test_what_is_no_file_is_passed_by_and_told_where_it_is_named() -> None:
    """A pipe would be waited for, for ever."""
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        look = FileScan()
        assert (places(look), look.unread) == ([], [])
        assert places(look, "pipe", "socket") == []
    assert [(u.file, u.reason) for u in look.unread] == [
        ("pipe", "it is not a file; pipe it in, with -"),
        ("socket", "it is not a file; pipe it in, with -"),
    ]


def test_a_file_that_became_a_pipe_meanwhile_is_not_waited_for() -> None:
    """Between the look at a folder and the opening of a file anything can happen."""
    os.mkfifo("pipe")
    look = FileScan()
    assert list(look._file("pipe", 0)) == []
    assert [u.file for u in look.unread] == ["pipe"]


def test_what_is_not_there_stops_nothing() -> None:
    """A mistyped name among others is told; the others are searched."""
    plant("a")
    look = FileScan()
    assert places(look, "gone", "a", "nul\0", "a/below") == ["a:1:1"]
    assert [(u.file, u.reason) for u in look.unread] == [
        ("gone", "no such file or directory"),
        ("nul\0", "it cannot be read"),
        ("a/below", "not a directory"),
    ]


def test_what_cannot_be_opened_or_listed_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor a folder; the system's own words say why."""
    plant("a")
    plant("b/c")
    plant("d")
    opened, listed = os.open, os.scandir

    def refusing(path: str, flags: int) -> int:
        if path == "a":
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags)

    def hiding(path: str) -> object:
        if path == "b":
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os, "scandir", hiding)
    look = FileScan()
    assert places(look) == ["d:1:1"]
    assert [(u.file, u.reason) for u in look.unread] == [
        ("a", "permission denied"),
        ("b", "permission denied"),
    ]


def test_what_was_found_before_a_file_broke_off_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails in the middle of a file hides nothing of its beginning."""
    plant("a", key().ljust(2 * scanned_files.PIECE))
    read = os.read

    def failing(opened: int, size: int) -> bytes:
        if os.lseek(opened, 0, os.SEEK_CUR):
            raise OSError(5, "Input/output error")
        return read(opened, size)

    monkeypatch.setattr(os, "read", failing)
    look = FileScan()
    assert places(look) == ["a:1:1"]
    assert [u.reason for u in look.unread] == ["input/output error"]


def test_a_large_file_is_read_in_pieces_and_a_key_over_a_border_found_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory holds a piece; lines are counted across all of them."""
    piece = 4096
    monkeypatch.setattr(scanned_files, "PIECE", piece)
    lines = "x\n" * (piece // 2 - 10)
    plant("a", f"{lines}{key()}\n" + "y\n" * 5 * piece + f"  {key(OTHER_ID)}")
    sizes: list[int] = []
    read = os.read

    def watching(opened: int, size: int) -> bytes:
        got = read(opened, size)
        sizes.append(len(got))
        return got

    monkeypatch.setattr(os, "read", watching)
    first = piece // 2 - 10 + 1
    assert places(FileScan()) == [f"a:{first}:1", f"a:{first + 1 + 5 * piece}:3"]
    assert max(sizes) == piece
    assert sum(sizes) == Path("a").stat().st_size


def test_a_key_in_a_name_is_found_and_not_repeated() -> None:
    """Of a file, of a folder, and of what is named; whatever stands in it is told without it."""
    plant(f"{key()}.txt", "clean")
    plant(f"dump-{key(OTHER_ID)}/a", "clean")
    look = FileScan()
    leaks = list(look.places(["."]))
    assert [(leak.part, leak.where.file) for leak in leaks] == [
        (Part.NAME, f"dump-krk_prod_{OTHER_ID}_[redacted]"),
        (Part.NAME, f"krk_prod_{ID}_[redacted].txt"),
    ]
    assert [k.part for k in FileScan().places([f"{key()}.txt"])] == [Part.NAME]
    assert list(look.places([f"gone/{key()}"])) == []
    assert secret_of(key()) not in repr((leaks, look.unread))


def test_a_name_of_any_bytes_is_searched_and_told(here: Path) -> None:
    """Line breaks, terminal sequences, what is no UTF-8."""
    for name in (b"\xff\xfe", b"a\nb", b"\x1b[31mred"):
        (here / os.fsdecode(name)).write_text(key())
    assert len(places(FileScan())) == 3


def test_a_stream_is_searched_to_its_end() -> None:
    """It has a name of its own, and no end that has to be known before."""
    look = FileScan(prefix="krk")
    stream = io.BytesIO(f"+{key()}\n-{key(OTHER_ID, prefix='acme')}\n".encode())
    assert [str(leak.where) for leak in look.stream(stream)] == [f"{STREAM_NAME}:1:2"]
    assert look.files == 1


class _Broken(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise OSError(5, "Input/output error")


def test_a_stream_that_breaks_off_is_told() -> None:
    """It is not taken for one that ended."""
    look = FileScan()
    assert list(look.stream(io.BufferedReader(_Broken()))) == []
    assert [(u.file, u.reason) for u in look.unread] == [(STREAM_NAME, "input/output error")]
