"""`keyrec plan` says again what it said where nothing changed, and only there."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.apply import prepare
from tests.adapters.git_repository import Repository
from tests.cli.quiet_rigs import KEY, Quiet, quiet_place
from tests.fakes.command_line import CommandLine

SILENCE = "No changes. 1 key matches.\n"
DAY = timedelta(days=1)
SECOND = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: second-dev, workspace: demo}
spec: {environment: dev, scopes: {Webhooks: read}}
"""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, keyrec: CommandLine) -> Iterator[Quiet]:
    """Give a place with its first key, on a file and on a server in turn."""
    is_server = request.param == "postgres"
    url = request.getfixturevalue("postgres_url") if is_server else None
    with quiet_place(keyrec, url) as found:
        yield found


@pytest.fixture
def filed(keyrec: CommandLine) -> Iterator[Quiet]:
    """Give a place on a file."""
    with quiet_place(keyrec, None) as found:
        yield found


@pytest.fixture
def remembered(place: Quiet) -> Quiet:
    """Give a place in which a plan said nothing."""
    assert place.is_made()
    assert not place.is_made()
    return place


@pytest.fixture
def kept(filed: Quiet) -> Quiet:
    """Give a place on a file in which a plan said nothing."""
    assert filed.is_made()
    return filed


def test_a_silent_plan_is_said_again_without_being_made(remembered: Quiet) -> None:
    """Word for word, with the same exit code, however often."""
    remembered.made.clear()
    for flags in ((), ("--detailed-exitcode",), ()):
        answer = remembered.plan(*flags)
        assert (answer.code, answer.out, answer.err) == (0, SILENCE, "")
    assert remembered.made == []


def test_a_plan_without_a_cache_is_made(kept: Quiet) -> None:
    """Whoever asks for it gets it."""
    kept.made.clear()
    assert kept.plan("--no-cache").out == SILENCE
    assert len(kept.made) == 1


@pytest.mark.parametrize("flags", [("-v",), ("--format", "json"), ("-o", "plan.json")])
def test_what_shows_more_than_a_sentence_is_made(kept: Quiet, flags: tuple[str, ...]) -> None:
    """Another form, more words, or a file to approve."""
    kept.made.clear()
    assert kept.plan(*flags).code == 0
    assert len(kept.made) == 1


def test_a_plan_that_says_something_is_made_each_time(filed: Quiet) -> None:
    """Nothing of it is kept."""
    filed.line.change(KEY, "Reviews: read", "Reviews: operate")
    assert [filed.is_made() for _ in range(3)] == [True] * 3
    assert filed.entries() == []


def _rename(place: Quiet) -> None:
    (place.line.folder / KEY).rename(place.line.folder / "keys/demo/other.yaml")


def _move_bytes(place: Quiet) -> None:
    """Move the last byte of one file to the start of the next one."""
    key, after = place.line.folder / KEY, place.line.folder / "keys/demo/z.yaml"
    key.write_bytes(key.read_bytes()[:-1])
    after.write_bytes(b"\n")


MANIFESTS: dict[str, Callable[[Quiet], Any]] = {
    "a comment": lambda p: p.line.change(KEY, "spec:", "spec: # here"),
    "a field": lambda p: p.line.change(KEY, "Reviews: read", "Reviews: operate"),
    "a fault": lambda p: p.line.change(KEY, "spec:", "spce:"),
    "another path": _rename,
    "a new key": lambda p: p.line.write("keys/demo/second.yaml", SECOND),
    "an empty file": lambda p: p.line.write("keys/demo/empty.yaml", ""),
    "a file less": lambda p: (p.line.folder / KEY).unlink(),
    "a byte moved on": _move_bytes,
    "a link": lambda p: (p.line.folder / "keys/demo/link.yaml").symlink_to("hello-dev.yaml"),
}


@pytest.mark.parametrize("change", MANIFESTS.values(), ids=MANIFESTS)
def test_any_change_of_manifests_makes_a_plan(kept: Quiet, change: Callable[[Quiet], Any]) -> None:
    """Of bytes or of paths, whatever it means."""
    change(kept)
    assert kept.is_made()


def test_files_that_were_only_touched_are_the_same(kept: Quiet) -> None:
    """What they hold counts, as in a fresh checkout."""
    os.utime(kept.line.folder / KEY, (1, 1))
    assert not kept.is_made()


BY_KEYREC: dict[str, tuple[tuple[str, ...], ...]] = {
    "hold": (("hold", "hello-dev", "--reason", "x"),),
    "release": (("hold", "hello-dev", "--reason", "x"), ("release", "hello-dev")),
    "rotate": (("rotate", "hello-dev"),),
    "leaked": (("rotate", "hello-dev", "--leaked"),),
}


@pytest.mark.parametrize("commands", BY_KEYREC.values(), ids=BY_KEYREC)
def test_any_change_of_the_store_by_keyrec_makes_a_plan(
    remembered: Quiet, commands: tuple[tuple[str, ...], ...]
) -> None:
    """Whatever it means for the plan."""
    for argv in commands:
        assert remembered.keyrec(*argv).code == 0
    assert remembered.is_made()


def test_an_apply_elsewhere_makes_a_plan(remembered: Quiet) -> None:
    """The manifests are as they were, the store is not."""
    remembered.line.write("keys/demo/second.yaml", SECOND)
    assert remembered.keyrec("apply", "--auto-approve").code == 0
    (remembered.line.folder / "keys/demo/second.yaml").unlink()
    assert remembered.is_made()
    assert "1 to deactivate" in remembered.plan().out


BY_HAND = {
    "keys": "UPDATE keys SET owner = 'somebody' WHERE name = 'hello-dev'",
    "record version": "UPDATE keys SET record_version = record_version + 1",
    "versions": "UPDATE key_versions SET last_characters = 'abcd'",
    "a leak": "UPDATE key_versions SET state = 'retired', leaked = true",
    "paths": "UPDATE sink_paths SET last_version = last_version + 1",
    "resources": "UPDATE resources SET fingerprint = 'x' WHERE kind = 'workspace'",
    "the head": "UPDATE meta SET audit_head = 'x'",
    "an operation": "UPDATE operations SET state = 'open'",
    "a path more": "INSERT INTO sink_paths SELECT sink_id, path || 'x', key_id, true, 0, NULL "
    "FROM sink_paths",
}


@pytest.mark.parametrize("statement", BY_HAND.values(), ids=BY_HAND)
def test_any_change_of_the_store_by_hand_makes_a_plan(remembered: Quiet, statement: str) -> None:
    """Whoever has SQL, and whatever it means for the plan."""
    assert remembered.sql(statement) > 0
    assert remembered.is_made()


def test_a_change_behind_a_link_makes_a_plan(filed: Quiet) -> None:
    """Somebody keeps the store open under its own name, and SQLite its log beside it."""
    linked = filed.line.folder / ".keyrec" / "keys.db"
    real = filed.line.home / "real.db"
    linked.rename(real)
    linked.symlink_to(real)
    connection = sqlite3.connect(real, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    assert [filed.is_made() for _ in range(2)] == [True, False]
    connection.execute(BY_HAND["keys"])
    assert filed.is_made()
    connection.close()


def test_a_change_that_is_taken_back_is_silent_again(remembered: Quiet) -> None:
    """A server sees the same rows; a file may be planned once more, and says the same."""
    remembered.sql("UPDATE keys SET owner = 'x', record_version = record_version + 1")
    assert remembered.is_made()
    old = remembered.plan("--no-cache", "-json")
    assert old.code == 0
    remembered.sql("UPDATE keys SET owner = 'y'")
    assert remembered.is_made()


ASKED = [
    ("--target", "demo/*"),
    ("--target", "*"),
    ("--exclude", "other/*"),
    ("--allow-removals", "0"),
    ("--no-new-access",),
    ("--color", "always"),
]


@pytest.mark.parametrize("flags", ASKED, ids=" ".join)
def test_another_question_is_another_plan(kept: Quiet, flags: tuple[str, ...]) -> None:
    """Selection, guards and colours: each question is kept for itself."""
    assert kept.is_made(*flags)
    assert not kept.is_made(*flags)
    assert not kept.is_made()


@pytest.mark.parametrize(
    ("old", "new"),
    [("manager: ", "environments: [dev]\nmanager: "), ("manager: ", "manager: other-")],
)
def test_another_configuration_is_another_plan(kept: Quiet, old: str, new: str) -> None:
    """Environments and the manager."""
    kept.line.change("keyrec.yaml", old, new)
    assert kept.is_made()


def test_another_store_is_another_plan(filed: Quiet) -> None:
    """The same manifests, and a store in which the same was applied."""
    filed.is_made()
    folder = filed.line.folder / ".keyrec"
    (folder / "copy.db").write_bytes((folder / "keys.db").read_bytes())
    filed.line.change("keyrec.yaml", "keys.db", "copy.db")
    assert filed.is_made()
    assert not filed.is_made()


def test_a_rotation_that_comes_due_makes_a_plan(place: Quiet) -> None:
    """Nothing was changed but the time; before it the silence holds. The key has `every: 7d`."""
    assert place.is_made()
    place.advance(4 * DAY)
    assert not place.is_made()
    place.advance(3 * DAY)
    assert place.is_made()
    assert "1 rotation due by schedule" in place.plan().out


def test_a_deadline_that_passes_makes_a_plan(place: Quiet) -> None:
    """A replaced secret of this key works for an hour."""
    assert place.keyrec("rotate", "hello-dev").code == 0
    assert place.is_made()
    place.advance(timedelta(minutes=55))
    assert not place.is_made()
    place.advance(timedelta(minutes=10))
    assert place.is_made()
    assert "1 secret past its overlap" in place.plan().out


def test_a_clock_that_went_back_makes_a_plan(place: Quiet) -> None:
    """What was said later is not known to hold now."""
    place.advance(DAY)
    place.is_made()
    place.advance(timedelta(seconds=-1) if place.is_file else -DAY)
    assert place.is_made()


def test_a_key_that_expired_or_is_held_ends_no_silence(place: Quiet) -> None:
    """A schedule that rests is overdue for ever."""
    assert place.keyrec("hold", "hello-dev", "--reason", "x").code == 0
    place.advance(90 * DAY)
    assert place.is_made()
    assert not place.is_made()


def test_a_store_that_changed_just_now_is_planned(filed: Quiet) -> None:
    """Times of files are coarse: the next change could look like this one."""
    filed.ahead = timedelta(0)
    filed.sql("UPDATE keys SET record_version = record_version + 1")
    assert [filed.is_made() for _ in range(2)] == [True, True]
    assert filed.entries() == []
    filed.advance(timedelta(hours=1))
    assert [filed.is_made() for _ in range(2)] == [True, False]


def test_what_changes_while_a_plan_is_made_is_not_hidden_by_it(place: Quiet) -> None:
    """Silence is kept only for the store as it was before the plan read it."""
    make = prepare.prepare

    def meanwhile(**wanted: Any) -> Any:
        prepared = make(**wanted)
        place.sql("UPDATE keys SET owner = 'somebody' WHERE name = 'hello-dev'")
        return prepared

    place.line.monkeypatch.setattr(prepare, "prepare", meanwhile)
    assert place.plan().out == SILENCE
    place.line.monkeypatch.setattr(prepare, "prepare", make)
    assert place.is_made()
    assert place.plan().out != SILENCE


def test_what_was_changed_before_a_plan_and_back_is_not_hidden_either(place: Quiet) -> None:
    """A plan that saw the store as it was for a moment says nothing of how it was before."""
    owner = "UPDATE keys SET owner = '{}' WHERE name = 'hello-dev'"
    make = prepare.prepare

    def between(**wanted: Any) -> Any:
        place.sql(owner.format("team-demo"))
        return make(**wanted)

    place.sql(owner.format("somebody"))
    place.line.monkeypatch.setattr(prepare, "prepare", between)
    assert place.plan().out == SILENCE
    place.line.monkeypatch.setattr(prepare, "prepare", make)
    place.sql(owner.format("somebody"))
    assert place.is_made()
    assert place.plan().out != SILENCE


def forge(place: Quiet, **changes: Any) -> None:
    """Change what is remembered."""
    (path,) = place.entries()
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, **changes}))


FORGED: dict[str, Any] = {
    "no time": {"since": "yesterday"},
    "a time without a zone": {"since": "2026-01-01T00:00:00"},
    "an end without a zone": {"until": "2099-01-01T00:00:00"},
    "a number for a time": {"until": 5},
    "nothing for a time": {"since": None},
    "over": {"until": "2000-01-01T00:00:00+00:00"},
    "not yet": {"since": "2999-01-01T00:00:00+00:00"},
    "another store": {"state": "0:0"},
    "no store": {"state": None},
    "a list for a store": {"state": []},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_an_entry_that_does_not_fit_is_not_believed(kept: Quiet, changes: dict[str, Any]) -> None:
    """A plan is made, and the next one is kept again."""
    forge(kept, **changes)
    assert kept.is_made()
    assert not kept.is_made()


RUBBISH = [b"", b"x", b"{", b"[]", b"null", b"5", b'"words"', b"{}", b"\xff", b"[" * 60_000]
RUBBISH += [b"{}" + b" " * 70_000, b'{"words": "x", "state": "x", "since": "x"}']


@pytest.mark.parametrize("content", RUBBISH, ids=lambda content: ascii(content[:20]))
def test_a_damaged_entry_is_harmless(kept: Quiet, content: bytes) -> None:
    """It is replaced."""
    (path,) = kept.entries()
    path.write_bytes(content)
    assert kept.is_made()
    assert not kept.is_made()


def test_what_others_could_have_written_is_not_believed(kept: Quiet) -> None:
    """Open rights on the file, or on the folder."""
    (path,) = kept.entries()
    path.chmod(0o622)
    assert kept.is_made()
    path.parent.chmod(0o755)
    assert kept.is_made()
    assert kept.is_made()


def test_what_is_kept_is_the_users_alone_and_small(remembered: Quiet) -> None:
    """One file for one question; the folder is closed."""
    (path,) = remembered.entries()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "hello" not in path.read_text()
    assert remembered.url not in path.read_text()


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_the_cache_is_where_the_user_keeps_caches(filed: Quiet, variable: str) -> None:
    """Below HOME, or where XDG_CACHE_HOME says."""
    elsewhere = filed.line.home / "elsewhere"
    filed.line.set(**{variable: str(elsewhere)})
    filed.is_made()
    folder = elsewhere / ".cache" if variable == "HOME" else elsewhere
    assert len(list((folder / "keyrec" / "plans").iterdir())) == 1


@pytest.mark.parametrize("variables", [{}, {"XDG_CACHE_HOME": "here"}, {"HOME": "."}])
def test_without_a_home_nothing_is_kept(filed: Quiet, variables: dict[str, str]) -> None:
    """A relative place does not count."""
    filed.line.monkeypatch.delenv("HOME")
    filed.line.set(**variables)
    assert [filed.is_made() for _ in range(2)] == [True, True]
    assert not filed.cache.exists()
    assert not list(filed.line.folder.rglob("*keyrec/plans"))


def test_a_cache_that_cannot_be_written_is_no_trouble(filed: Quiet) -> None:
    """Nothing is said about it."""
    filed.line.write("file", "")
    filed.line.set(XDG_CACHE_HOME=str(filed.line.folder / "file"))
    for _ in range(2):
        answer = filed.plan()
        assert (answer.code, answer.out, answer.err) == (0, SILENCE, "")


def test_a_cache_of_keys_of_issuers_does_not_keep_manifests_out(filed: Quiet) -> None:
    """Whoever made the folder above left it as open as the system does."""
    issuers = filed.cache / "issuers"
    issuers.mkdir(mode=0o700, parents=True)
    filed.cache.chmod(0o755)
    filed.is_made()
    assert len(list((filed.cache / "manifests").iterdir())) == 1


@pytest.fixture
def repository(filed: Quiet) -> Repository:
    """Give the place as a git repository with one commit."""
    found = Repository(filed.line.folder)
    found.commit()
    return found


def test_a_revision_is_remembered_by_what_it_holds(filed: Quiet, repository: Repository) -> None:
    """Another commit with the same manifests is as silent; other manifests are not."""
    at = ("--revision", "HEAD")
    assert filed.is_made(*at)
    repository.write("README.md", "new")
    repository.commit()
    assert not filed.is_made(*at)
    filed.line.change(KEY, "Reviews: read", "Reviews: operate")
    assert not filed.is_made(*at)
    repository.commit()
    assert filed.is_made(*at)
    assert filed.plan(*at, "--detailed-exitcode").code == 2
    assert not filed.is_made("--revision", "HEAD~1")
    assert filed.plan("--revision", "nowhere").code == 1


def digests(folder: Path) -> dict[str, bytes]:
    """Give all files below a folder."""
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_quiet_plan_writes_nothing(remembered: Quiet) -> None:
    """Neither to the cache nor to the place."""
    before = digests(remembered.line.folder), digests(remembered.cache)
    assert remembered.plan().out == SILENCE
    assert (digests(remembered.line.folder), digests(remembered.cache)) == before
