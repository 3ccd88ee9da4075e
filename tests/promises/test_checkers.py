"""The harness can fail: each of these faults is planted in the real code, and is seen from outside.

A checker that was never seen to fail proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters import sql_secrets
from reconciler.adapters.sql_work import Work
from reconciler.apply import anchor, entries, recovery, session
from reconciler.apply.delivery import Courier, Delivered, Delivery, Sending
from reconciler.credentials import access
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import Retarget
from reconciler.model.writes import WriteRefusal
from tests.promises.enumeration import Enumeration, Tally
from tests.promises.place import Place
from tests.promises.places import LOCAL, fast_folder, place_of
from tests.promises.scenes import SCENES, Scene
from tests.promises.table import ONCE, TWICE, leave, main


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Give SQLite with age."""
    with fast_folder() as folder:
        made = place_of(LOCAL, folder, postgres_url=None, vault=None)
        yield made
        made.close()


def scene_of(name: str) -> Scene:
    """Give a scene by its name."""
    return next(scene for scene in SCENES if scene.name == name)


def is_noticed(promise: str, place: Place, name: str) -> bool:
    """Kill the scene at one point after another; whether the promise is seen not to hold."""
    played = Enumeration(place, scene_of(name))
    kills = range(len(played.points()))
    return any(promise in violation for kill in kills for violation in played.kill(kill))


def test_a_secret_that_is_confirmed_before_it_is_written_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says what the sink does not hold."""

    def confirmed_unsent(_: Courier, sending: Sending) -> Delivery:
        return Delivered(sink_version=sending.expected + 1)

    monkeypatch.setattr(Courier, "deliver", confirmed_unsent)
    assert is_noticed("P3 the current secret is not the latest at the path", place, "create")


def test_a_secret_that_works_only_once_it_is_confirmed_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its write and its confirmation consumers read what nobody accepts."""
    accepted = VersionState.is_accepted

    def later(state: VersionState, **at: Any) -> bool:
        return state is not VersionState.PROVISIONAL and accepted(state, **at)

    monkeypatch.setattr(VersionState, "is_accepted", later)
    assert is_noticed("P1 does not work", place, "create")


def test_a_previous_secret_that_ends_with_its_successor_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Applications that have not read the new one yet are locked out."""
    accepted = VersionState.is_accepted

    def sooner(state: VersionState, **at: Any) -> bool:
        return state is not VersionState.RETIRING and accepted(state, **at)

    monkeypatch.setattr(VersionState, "is_accepted", sooner)
    assert is_noticed("P2 does not work", place, "rotate")


def test_a_recovery_that_trusts_what_it_cannot_read_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It confirms a secret that may never have been written."""
    monkeypatch.setattr(recovery.Recovery, "_is_there", lambda *_: True)
    assert is_noticed("P3 not by the recorded version", place, "rotate")


def test_a_recovery_that_leaves_operations_open_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run has to bring them to their end."""
    monkeypatch.setattr(session.Session, "recover", lambda *_: [])
    assert is_noticed("P5 an operation is left", place, "create")


def test_what_only_two_kills_show_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret of a dead run ends before its successor is there: consumers read it meanwhile."""
    retarget = sql_secrets._retarget

    def ending(work: Work, write: Retarget) -> WriteRefusal | None:
        refusal = retarget(work, write)
        work.versions.change(write.interrupted)["state"] = VersionState.RETIRED
        return refusal

    monkeypatch.setattr(sql_secrets, "_retarget", ending)
    played = Enumeration(place, scene_of("create"))
    written = played.points().index("after sink write payments/prod/a")
    assert not [v for v in played.kill(written) if "P1" in v]
    kills = (played.kill(written, second) for second in range(len(played.points())))
    assert any("P1 does not work" in violation for found in kills for violation in found)


def test_two_kills_at_every_point_find_nothing_in_what_is_true(place: Place) -> None:
    """Each kill is followed by each of the run that recovers from it, where the two differ."""
    played = Enumeration(place, scene_of("deactivate"))
    tally = played.pairs(whole=False)
    assert tally.violations == []
    assert tally.runs > len(tally.points)


def test_an_ended_key_that_gets_in_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deactivated authenticates nowhere."""
    rules = tuple(r for r in access.USE_RULES if r is not access.refuse_inactive)
    monkeypatch.setattr(access, "USE_RULES", rules)
    assert is_noticed("P7 an ended secret gets in", place, "deactivate")


def test_an_anchor_that_stays_behind_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that has nothing to do leaves the sink without what the dead one committed."""
    monkeypatch.setattr(anchor.AnchorKeeper, "is_behind", False)
    assert is_noticed("P8 anchor", place, "update")


def test_a_secret_in_the_store_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it stands: here in the detail of an audit event."""
    noted = entries._note

    def telling(started: Any, event: str, **detail: str) -> Any:
        return noted(started, event, secret=started.minted.api_key.reveal(), **detail)

    monkeypatch.setattr(entries, "_note", telling)
    assert is_noticed("P4 plain text", place, "create")


def test_the_tables_name_what_did_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts by action and pair, each violation with its points; then the program fails."""
    points = ["before store commit UpdateKey", "after store commit UpdateKey"]
    leave(Tally(scene="update", place=LOCAL, points=points, runs=2), ONCE, tmp_path)
    assert main(tmp_path) == 0
    shown = capsys.readouterr().out
    assert "| update | 2, 2, 0 | 0, 0, 0 | 0, 0, 0 | 0, 0, 0 | 0 |" in shown
    assert "2 killed runs, 0 violations." in shown
    assert f"- update: {'; '.join(points)}" in shown
    bad = Tally(scene="update", place="postgres-vault", runs=1, violations=["P1 does not work: x"])
    leave(bad, TWICE, tmp_path)
    assert main(tmp_path) == 1
    shown = capsys.readouterr().out
    assert "| update | 2, 2, 0 | 0, 0, 0 | 0, 0, 0 | 0, 0, 1 | 1 |" in shown
    assert "- P1 does not work: x" in shown


def test_an_enumeration_that_left_no_count_is_no_success(tmp_path: Path) -> None:
    """Nothing was shown to hold."""
    assert main(tmp_path) == 1
