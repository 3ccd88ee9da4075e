"""What files say, kept between commands: of one version, the user's alone, and never a trouble."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.adapters import manifest_cache
from reconciler.adapters.manifest_cache import ManifestCache
from reconciler.manifest.remembered import FORM

NAME = f"manifests-{__version__}-{FORM}.db"


def digest(number: int) -> bytes:
    """Give the digest of a file."""
    return hashlib.blake2b(b"%d" % number, digest_size=32).digest()


SAID = {digest(number): b"said %d" % number for number in range(1203)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that is not there yet."""
    return tmp_path / "a" / "manifests"


@pytest.fixture
def cache(folder: Path) -> ManifestCache:
    """Give a cache that holds some files."""
    made = ManifestCache(folder)
    made.keep(SAID)
    return made


def mode(path: Path) -> int:
    """Give who may do what."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_kept_is_known(cache: ManifestCache, folder: Path) -> None:
    """More than is asked for at once, by another program, without what was never kept."""
    assert cache.known(list(SAID)) == SAID
    assert ManifestCache(folder).known([digest(5), digest(9999)]) == {digest(5): b"said 5"}
    assert cache.known([]) == {}


def test_the_last_that_was_kept_counts(cache: ManifestCache) -> None:
    """The same bytes may have been judged twice at once."""
    cache.keep({digest(1): b"another"})
    assert cache.known([digest(1), digest(2)]) == {digest(1): b"another", digest(2): b"said 2"}


def test_nothing_is_made_before_something_is_kept(folder: Path) -> None:
    """Neither by looking nor by keeping nothing."""
    made = ManifestCache(folder)
    made.keep({})
    assert made.known([digest(1)]) == {}
    assert not folder.exists()


def test_folder_and_file_are_the_users_alone(cache: ManifestCache, folder: Path) -> None:
    """Nothing else is left there."""
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {NAME: 0o600}


def _link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / NAME).rename(folder / "there.db")
    (folder / NAME).symlink_to("there.db")


def _link_to_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.rename(folder.with_name("there"))
    folder.symlink_to("there")


def _anothers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


SPOILS = {
    "readable": lambda folder, _: (folder / NAME).chmod(0o640),
    "writable": lambda folder, _: (folder / NAME).chmod(0o602),
    "open folder": lambda folder, _: folder.chmod(0o755),
    "link": _link,
    "folder is a link": _link_to_folder,
    "another's": _anothers,
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_what_could_be_somebody_elses_is_neither_taken_nor_written(
    cache: ManifestCache,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[..., None],
) -> None:
    """Open rights, another owner, or a link."""
    spoil(folder, monkeypatch)
    before = (folder / NAME).read_bytes()
    assert cache.known([digest(1)]) == {}
    cache.keep({digest(1): b"another"})
    assert cache.known([digest(1)]) == {}
    assert (folder / NAME).read_bytes() == before


@pytest.mark.parametrize("spoil", ["open folder", "folder is a link", "another's"])
def test_nothing_is_made_or_removed_in_a_folder_that_is_somebody_elses(
    folder: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    """It is looked at before anything is cleaned up."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / "manifests-0.0.9-1.db").write_bytes(b"x")
    SPOILS[spoil](folder, monkeypatch)
    ManifestCache(folder).keep(SAID)
    assert [path.name for path in folder.iterdir()] == ["manifests-0.0.9-1.db"]


def test_a_dangling_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """Nothing is made where it leads to."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / NAME).symlink_to(tmp_path / "elsewhere.db")
    made = ManifestCache(folder)
    made.keep(SAID)
    assert made.known([digest(1)]) == {}
    assert not (tmp_path / "elsewhere.db").exists()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no database": lambda _: b"no database at all, and long enough to look like one" * 20,
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "header": lambda content: b"\xff" * 100 + content[100:],
    "pages": lambda content: content[:4096] + b"\xff" * (len(content) - 4096),
    "one page": lambda content: content[:8192] + b"\x00" * 4096 + content[12288:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_no_trouble_and_does_not_stay(
    cache: ManifestCache, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    """Nothing wrong is ever taken from it, and the second keeping works again."""
    path = folder / NAME
    path.write_bytes(damage(path.read_bytes()))
    known = cache.known(list(SAID))
    assert known.items() <= SAID.items()
    for _ in range(2):
        cache.keep(SAID)
    assert cache.known(list(SAID)) == SAID


def test_a_flipped_bit_is_noticed(cache: ManifestCache, folder: Path) -> None:
    """SQLite would hand it out as it stands."""
    path = folder / NAME
    content = path.read_bytes()
    assert content.count(b"said 1202") == 1
    path.write_bytes(content.replace(b"said 1202", b"said 1203"))
    known = cache.known([digest(1201), digest(1202)])
    assert known == {digest(1201): b"said 1201"}


def test_a_text_that_is_none_is_no_trouble(cache: ManifestCache, folder: Path) -> None:
    """Its error has no code; the file is not in use, and is used again."""
    with sqlite3.connect(folder / NAME) as connection:
        connection.execute("UPDATE said SET content = CAST(x'ff' AS TEXT)")
    connection.close()
    assert cache.known([digest(1)]) == {}
    cache.keep({digest(1): b"another"})
    assert cache.known([digest(1)]) == {digest(1): b"another"}


@pytest.mark.parametrize("value", [None, 5, "text", b"", b"abc", 1.5])
def test_what_was_never_written_so_is_not_taken(
    cache: ManifestCache, folder: Path, value: object
) -> None:
    """Whatever type it has."""
    with sqlite3.connect(folder / NAME) as connection:
        connection.execute("UPDATE said SET content = ? WHERE digest = ?", (value, digest(1)))
    connection.close()
    assert cache.known([digest(1), digest(2)]) == {digest(2): b"said 2"}


@pytest.mark.parametrize(
    "text", ["CREATE TABLE said (a)", "CREATE TABLE other (a)", "CREATE VIEW said AS SELECT 1"]
)
def test_a_file_with_other_tables_is_no_trouble(folder: Path, text: str) -> None:
    """Its statements fail, and nothing else does."""
    folder.mkdir(mode=0o700, parents=True)
    connection = sqlite3.connect(folder / NAME)
    connection.execute(text)
    connection.close()
    (folder / NAME).chmod(0o600)
    made = ManifestCache(folder)
    assert made.known([digest(1)]) == {}
    made.keep(SAID)


def test_a_file_of_another_version_is_removed(folder: Path) -> None:
    """With its journal; what is not ours by its name stays."""
    folder.mkdir(mode=0o700, parents=True)
    others = ("manifests-of-mine.yaml", "other.db")
    for name in ("manifests-0.0.9-1.db", "manifests-0.0.9-1.db-journal", *others):
        (folder / name).write_bytes(b"x")
    ManifestCache(folder).keep(SAID)
    assert sorted(path.name for path in folder.iterdir()) == [NAME, *others]


def test_it_begins_anew_where_it_holds_too_much(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept last is there."""
    monkeypatch.setattr(manifest_cache, "_MOST", 10)
    made = ManifestCache(folder)
    for start in (0, 5, 10):
        made.keep({digest(n): b"x" for n in range(start, start + 5)})
    assert set(made.known([digest(n) for n in range(15)])) == {digest(n) for n in range(10, 15)}


def test_two_at_once_lose_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other, as long as it takes; whoever comes first makes the file."""
    monkeypatch.setattr(manifest_cache, "_PATIENCE", 600)
    parts = [dict(list(SAID.items())[start:80:4]) for start in range(4)]
    missed: list[bytes] = []

    def keep(part: dict[bytes, bytes]) -> None:
        cache = ManifestCache(folder)
        for named, content in part.items():
            cache.keep({named: content})
            if cache.known([named]) != {named: content}:
                missed.append(content)

    programs = [threading.Thread(target=keep, args=(part,)) for part in parts]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert missed == []
    everything = dict(list(SAID.items())[:80])
    assert ManifestCache(folder).known(list(everything)) == everything


@pytest.mark.parametrize(("lock", "is_read"), [("EXCLUSIVE", False), ("IMMEDIATE", True)])
def test_a_file_that_is_locked_is_passed_by_and_asked_for_once(
    cache: ManifestCache, folder: Path, monkeypatch: pytest.MonkeyPatch, lock: str, is_read: bool
) -> None:
    """It stays as it is; a run of many batches waits for whoever holds it no second time."""
    opened, waits = sqlite3.connect, []

    def connect(path: Path, timeout: float) -> sqlite3.Connection:
        waits.append(timeout)
        return opened(path, timeout=0)

    monkeypatch.setattr(sqlite3, "connect", connect)
    other = opened(folder / NAME)
    other.execute(f"BEGIN {lock}")
    said = {digest(1): b"said 1"}
    assert cache.known([digest(1)]) == (said if is_read else {})
    for _ in range(3):
        cache.keep({digest(1): b"another"})
        assert cache.known([digest(1)]) == {}
    assert len(waits) == 1 + is_read
    assert max(waits) <= 0.2
    other.rollback()
    other.close()
    assert cache.known([digest(1)]) == {}
    assert ManifestCache(folder).known([digest(1)]) == said


def test_a_folder_that_cannot_be_made_is_no_trouble(tmp_path: Path) -> None:
    """The files are read again."""
    (tmp_path / "file").write_bytes(b"")
    made = ManifestCache(tmp_path / "file" / "manifests")
    made.keep(SAID)
    assert made.known([digest(1)]) == {}
