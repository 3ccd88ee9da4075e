"""Files that may be lost at any time: nothing is taken that anybody else could have put there."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.cache_folder import CacheFolder, is_ours


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    """Give a cache in a folder that is not there yet."""
    return CacheFolder(folder=tmp_path / "a" / "cache", largest=100, most=3)


@pytest.fixture
def kept(folder: CacheFolder) -> CacheFolder:
    """Give a cache with one file in it."""
    folder.save("one", b"said")
    return folder


def mode(path: Path) -> int:
    """Give who may do what."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_saved_is_loaded(kept: CacheFolder) -> None:
    """Under its name; the last one counts."""
    assert kept.load("one") == b"said"
    assert kept.load("two") is None
    kept.save("one", b"another")
    assert kept.load("one") == b"another"


def test_nothing_is_made_before_something_is_kept(folder: CacheFolder) -> None:
    """Looking leaves no trace."""
    assert folder.load("one") is None
    assert not folder.folder.exists()


def test_folder_and_files_are_the_users_alone(kept: CacheFolder) -> None:
    """Whatever the umask."""
    assert mode(kept.folder) == 0o700
    assert mode(kept.folder / "one") == 0o600
    assert [entry.name for entry in kept.folder.iterdir()] == ["one"]


def _link(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept.folder / "one").rename(kept.folder / "there")
    (kept.folder / "one").symlink_to("there")


def _link_to_folder(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.folder.rename(kept.folder.with_name("there"))
    kept.folder.symlink_to("there")


def _pipe(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept.folder / "one").unlink()
    os.mkfifo(kept.folder / "one", 0o600)


def _folder_instead(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept.folder / "one").unlink()
    (kept.folder / "one").mkdir()


def _anothers(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


def _too_large(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.save("one", b"x" * 101)


def _empty(kept: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept.folder / "one").write_bytes(b"")


SPOILS = {
    "readable": lambda kept, _: (kept.folder / "one").chmod(0o644),
    "writable": lambda kept, _: (kept.folder / "one").chmod(0o620),
    "open folder": lambda kept, _: kept.folder.chmod(0o755),
    "shared folder": lambda kept, _: kept.folder.chmod(0o770),
    "link": _link,
    "folder is a link": _link_to_folder,
    "pipe": _pipe,
    "folder instead": _folder_instead,
    "another's": _anothers,
    "too large": _too_large,
    "empty": _empty,
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_what_could_be_somebody_elses_is_not_taken(
    kept: CacheFolder, monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., None]
) -> None:
    """Open rights, another owner, a link, no file, or more than is ever kept."""
    spoil(kept, monkeypatch)
    assert kept.load("one") is None


@pytest.mark.parametrize("spoil", [SPOILS["open folder"], _link_to_folder, _anothers])
def test_nothing_is_written_into_a_folder_of_others(
    kept: CacheFolder, monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., None]
) -> None:
    """It would not be taken either."""
    spoil(kept, monkeypatch)
    kept.save("two", b"said")
    assert not (kept.folder / "two").exists()


def test_a_link_is_replaced_never_written_through(kept: CacheFolder, tmp_path: Path) -> None:
    """What it leads to stays as it was."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (kept.folder / "one").unlink()
    (kept.folder / "one").symlink_to(victim)
    kept.save("one", b"said")
    assert (victim.read_bytes(), kept.load("one")) == (b"mine", b"said")


@pytest.mark.parametrize("size", [1, 100])
def test_a_file_of_the_largest_size_is_taken(folder: CacheFolder, size: int) -> None:
    """The limit itself is allowed."""
    folder.save("one", b"x" * size)
    assert folder.load("one") == b"x" * size


def test_the_oldest_are_forgotten(folder: CacheFolder) -> None:
    """`most` are kept; without it all are."""
    for number in range(5):
        folder.save(f"{number}", b"said")
        os.utime(folder.folder / f"{number}", (number, number))
    folder.save("5", b"said")
    assert sorted(entry.name for entry in folder.folder.iterdir()) == ["3", "4", "5"]
    endless = CacheFolder(folder=folder.folder, largest=100)
    for number in range(9):
        endless.save(f"{number}", b"said")
    assert len(list(folder.folder.iterdir())) == 9


def test_a_folder_that_cannot_be_made_is_no_trouble(tmp_path: Path) -> None:
    """The work is done again."""
    (tmp_path / "file").write_bytes(b"")
    folder = CacheFolder(folder=tmp_path / "file" / "cache", largest=100)
    folder.save("one", b"said")
    assert folder.load("one") is None


def test_a_full_disk_is_no_trouble_and_leaves_nothing(
    kept: CacheFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there stays."""

    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    kept.save("one", b"another")
    assert kept.load("one") == b"said"
    assert [entry.name for entry in kept.folder.iterdir()] == ["one"]


def test_a_reader_sees_the_old_or_the_new_one_whoever_writes(tmp_path: Path) -> None:
    """Two programs at once never give half a file, and none of them fails."""
    folder = CacheFolder(folder=tmp_path / "cache", largest=100, most=20)
    texts = {bytes([letter]) * 90 for letter in b"abcd"}
    folder.save("one", b"a" * 90)
    seen: set[bytes | None] = set()

    def write(text: bytes) -> None:
        for _ in range(50):
            folder.save("one", text)
            seen.add(folder.load("one"))

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert seen <= texts
    assert folder.load("one") in texts
    assert [entry.name for entry in folder.folder.iterdir()] == ["one"]


@pytest.mark.parametrize(("is_folder", "expected"), [(True, True), (False, False)])
def test_a_folder_is_no_file(tmp_path: Path, is_folder: bool, expected: bool) -> None:
    """What is asked for is what has to be there."""
    tmp_path.chmod(0o700)
    assert is_ours(tmp_path, is_folder=is_folder) is expected
    assert not is_ours(tmp_path / "nowhere", is_folder=is_folder)
