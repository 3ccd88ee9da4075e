"""`keyrec status` and `get`: last uses as verifiers report them, and questions that alert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.system import SystemClock
from reconciler.model.uses import UseKind, UseMark, UseReport
from tests.fakes.command_line import CommandLine

KEY = "keys/demo/hello-dev.yaml"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Gateway:
    """A verifier beside the command line: it reports, and time passes for both."""

    def __init__(self, line: CommandLine) -> None:
        self.line = line
        self._ahead = timedelta()
        real = SystemClock.now
        line.monkeypatch.setattr(SystemClock, "now", lambda clock: real(clock) + self._ahead)
        url = f"sqlite:///{line.folder / '.keyrec' / 'keys.db'}"
        self.store = SqlStore(url, clock=SystemClock())

    def advance(self, duration: timedelta) -> None:
        """Let time pass."""
        self._ahead += duration

    def version_ids(self) -> list[str]:
        """Give the versions of the key, oldest first."""
        shown = self.line("get", "hello-dev", "-json").json["key"]["versions"]
        return [version["id"] for version in shown]

    def report(self, *used: str, marks: tuple[UseMark, ...] = ()) -> datetime:
        """Report that these versions were used just now; the moment."""
        now = self.store.now()
        uses = tuple((version_id, now) for version_id in used)
        said = UseReport(reporter="gateway", uses=uses, until=now, marks=marks)
        self.store.report_uses(said)
        return now

    def mark(self, version_id: str, kind: UseKind, subject: str) -> UseMark:
        """Give something that was seen just now."""
        now = self.store.now()
        return UseMark(version_id=version_id, kind=kind, subject=subject, last_at=now)


@pytest.fixture
def gateway(applied: CommandLine) -> Iterator[Gateway]:
    """Give a verifier of the store with its first key."""
    found = Gateway(applied)
    yield found
    found.store.close()


def shown_versions(line: CommandLine) -> list[dict[str, Any]]:
    """Give the versions of the key as `get` shows them to programs."""
    versions: list[dict[str, Any]] = line("get", "hello-dev", "-json").json["key"]["versions"]
    return versions


def test_a_use_is_unknown_then_never_then_so_long_ago(gateway: Gateway) -> None:
    """Nobody listens; somebody does and nobody came; somebody came."""
    line, (version_id,) = gateway.line, gateway.version_ids()
    assert "unknown" in line("status").out
    assert line("status", "-json").json["uses_known_until"] is None
    gateway.report()
    assert "never" in line("status").out
    gateway.report(version_id)
    gateway.advance(timedelta(minutes=3))
    assert "3 min ago" in line("status").out
    document = line("status", "-json").json
    used = document["keys"][0]["last_used_at"]
    assert (
        used == document["uses_known_until"] == document["keys"][0]["versions"][0]["last_used_at"]
    )


def test_get_says_from_where_for_what_and_what_was_refused(gateway: Gateway) -> None:
    """For people and for programs."""
    line, (version_id,) = gateway.line, gateway.version_ids()
    gateway.report(
        version_id,
        marks=(
            gateway.mark(version_id, UseKind.ORIGIN, "203.0.113.7"),
            gateway.mark(version_id, UseKind.SCOPE, "Reviews:read"),
            gateway.mark(version_id, UseKind.DENIED, "insufficient-scope 203.0.113.8"),
        ),
    )
    text = line("get", "hello-dev").out
    assert "from    203.0.113.7 (" in text
    assert "for     Reviews:read (" in text
    assert "denied  insufficient-scope 203.0.113.8 (" in text
    (version,) = shown_versions(line)
    assert [origin["address"] for origin in version["origins"]] == ["203.0.113.7"]
    assert [scope["scope"] for scope in version["scopes"]] == ["Reviews:read"]
    (denial,) = version["denials"]
    assert (denial["reason"], denial["address"]) == ("insufficient-scope", "203.0.113.8")
    assert "origins" not in line("status", "-json").json["keys"][0]["versions"][0]


def test_a_secret_that_is_still_used_outlives_its_overlap_and_says_so(gateway: Gateway) -> None:
    """Until verifiers have seen nobody for an overlap; then maintenance ends it."""
    line = gateway.line
    line.change(KEY, "    overlap: 1h", "    overlap: 1h\n    retire: when-unused")
    assert line("apply", "--auto-approve").code == 0
    assert line("rotate", "hello-dev").code == 0
    old, _ = gateway.version_ids()
    assert [v["waits_for"] for v in shown_versions(line)] == ["overlap", None]
    gateway.advance(2 * HOUR)
    assert "1 retiring (no reports)" in line("status").out
    assert "none has ever reported" in line("get", "hello-dev").out
    gateway.report(old)
    assert "1 retiring (still used)" in line("status").out
    assert [v["waits_for"] for v in shown_versions(line)] == ["use", None]
    assert line("apply", "--maintenance").code == 0
    assert [v["state"] for v in shown_versions(line)] == ["retiring", "current"]
    gateway.advance(2 * HOUR)
    assert [v["waits_for"] for v in shown_versions(line)] == ["reports", None]
    gateway.report()
    assert [v["waits_for"] for v in shown_versions(line)] == ["apply", None]
    assert line("apply", "--maintenance").code == 0
    assert [v["state"] for v in shown_versions(line)] == ["retired", "current"]
    assert line("status").out.splitlines()[1].endswith("1 current, 1 retired")


def test_a_use_changes_no_plan(gateway: Gateway) -> None:
    """It is no effect: the digest of an approved plan stays what it was."""
    line, (version_id,) = gateway.line, gateway.version_ids()
    line.change(KEY, "Reviews: read", "Webhooks: read")
    before = line("plan", "-json").json["digest"]
    gateway.report(version_id, marks=(gateway.mark(version_id, UseKind.ORIGIN, "203.0.113.7"),))
    assert line("plan", "-json").json["digest"] == before


def test_an_alert_has_what_somebody_needs_who_gets_it(gateway: Gateway) -> None:
    """Which key, how long it has, whose it is, and how it is mended."""
    answer = gateway.line("status", "--expiring", "31d", "-json")
    assert answer.code == 2
    (key,) = answer.json["keys"]
    assert (key["address"], key["owner"], key["state"]) == ("demo/hello-dev", "team-demo", "active")
    assert 29 * 86400 < key["expires_in_seconds"] <= 30 * 86400
    (concern,) = key["concerns"]
    assert concern["about"] == "expiring"
    assert "spec.reissue" in concern["advice"]
    assert "expiring: raise spec.reissue" in gateway.line("status", "--expiring", "31d").out


def test_an_expired_key_stays_in_the_answer(gateway: Gateway) -> None:
    """It is out of order until somebody reissues or removes it; a new secret would not help."""
    gateway.advance(31 * DAY)
    answer = gateway.line("status", "--expiring", "14d", "-json")
    assert answer.code == 2
    (key,) = answer.json["keys"]
    assert (key["state"], [c["about"] for c in key["concerns"]]) == ("expired", ["expired"])
    assert key["expires_in_seconds"] < 0
    assert gateway.line("status", "--rotation-due").code == 0


def test_a_due_rotation_says_so_and_how_it_is_done(gateway: Gateway) -> None:
    """Both questions at once give each key once, with all that is found of it."""
    gateway.advance(20 * DAY)
    answer = gateway.line("status", "--rotation-due", "--expiring", "14d", "-json")
    assert answer.code == 2
    (key,) = answer.json["keys"]
    assert [concern["about"] for concern in key["concerns"]] == ["expiring", "rotation-due"]
    assert "keyrec apply --maintenance" in key["concerns"][1]["advice"]
    assert gateway.line("status", "-json").json["keys"][0]["concerns"] == []


def test_a_key_on_hold_expires_all_the_same_and_its_rotation_rests(gateway: Gateway) -> None:
    """A hold is released; its expiry is not moved by it."""
    assert gateway.line("hold", "hello-dev", "--reason", "odd traffic").code == 0
    gateway.advance(20 * DAY)
    assert gateway.line("status", "--rotation-due").code == 0
    answer = gateway.line("status", "--expiring", "14d", "-json")
    assert (answer.code, answer.json["keys"][0]["state"]) == (2, "held")


def test_an_inactive_key_alerts_nobody(gateway: Gateway) -> None:
    """It lets nobody in; the table shows when it ends."""
    gateway.line.change(KEY, "  environment: dev", "  environment: dev\n  active: false")
    assert gateway.line("apply", "--auto-approve").code == 0
    gateway.advance(20 * DAY)
    for question in (("--expiring", "14d"), ("--rotation-due",)):
        answer = gateway.line("status", *question)
        assert (answer.code, answer.out) == (0, "No keys.\n")
    assert "inactive" in gateway.line("status").out


def test_a_reissued_key_is_asked_about_by_its_new_life(gateway: Gateway) -> None:
    """The replaced one works until its deadline, and is nobody's concern any more."""
    gateway.advance(20 * DAY)
    gateway.line.change(KEY, "  environment: dev", "  environment: dev\n  reissue: 2")
    assert gateway.line("apply", "--auto-approve").code == 0
    assert gateway.line("status", "--expiring", "14d").code == 0
    assert len(gateway.line("status", "-json").json["keys"]) == 1
