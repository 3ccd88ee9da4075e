"""Vault as it behaves, over whole runs: the tables of the reference, row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultAuth, VaultSettings
from reconciler.errors import KeyrecError
from reconciler.model.resources import Resource, address_of
from reconciler.ports import CheckResult
from tests.adapters.test_vault_answers import AWAY, HTML, NO_ROUTE, SEALED, UPGRADING, refused
from tests.adapters.vault_rigs import (
    ABSENT,
    ANCHOR,
    CONFLICT,
    DATA,
    DENIED,
    METADATA,
    TOKEN,
    Hours,
    metadata,
    written,
)
from tests.fakes.store import FakeStore
from tests.fakes.world import ADMIN, MANAGER, PAYMENTS, SINK_ID, World, policy, spec
from tests.house.repository import ROOT
from tests.services.canned import CannedServer, Cut, Reply, Silence, canned, replied

PAGE = ROOT / "docs" / "reference" / "vault.md"
KEY = "payments/prod/a"

ANSWERS: dict[str, Reply | Cut | Silence] = {
    "`429` with `Retry-After: 7`": replied({"errors": []}, 429, Retry_After="7"),
    "`429` with `Retry-After: 9999999`": replied({"errors": []}, 429, Retry_After="9999999"),
    "`429` with a date in `Retry-After`": replied(
        {"errors": []}, 429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"
    ),
    "`429` without `Retry-After`": refused(429),
    "`412`, node not up to date": refused(412),
    "`472`, disaster recovery secondary": refused(472),
    "`473`, performance standby": refused(473),
    "`503`, sealed": SEALED,
    "`503`, something else": refused(503),
    "`500`": refused(500),
    "`502`, a page of a proxy": Reply(status=502, body=b"<html>"),
    "`504`": refused(504),
    "`301` to another host": Reply(status=301, headers=AWAY),
    "`302` to another host": Reply(status=302, headers=AWAY),
    "`307` to another host": Reply(status=307, headers=AWAY),
    "`308` to another host": Reply(status=308, headers=AWAY),
    "`200` with an HTML page": HTML,
    "`200` with another version than the next": written(5),
    "`204`": Reply(status=204, body=b""),
    "an answer that is cut off": Reply(body=b"{", length=99),
    "an answer longer than 4 MiB": Reply(body=b" " * (4 * 1024 * 1024 + 2)),
    "a connection that is cut before the answer": Cut(),
    "no answer within the time": Silence(),
    "`400`, the mount is upgrading": UPGRADING,
    "`400`, check-and-set refused": CONFLICT,
    "`400`, anything else": refused(400),
    "`403`, denied": DENIED,
    "`404`, no such mount": NO_ROUTE,
    "`404` with an HTML page": Reply(status=404, body=b"<html>"),
    "`405`, KV version 1": refused(405),
    "`413`, too large": refused(413),
}


LOOKS: dict[str, Reply | Cut | Silence] = {
    "`404`, the path was never written": ABSENT,
    "`404` with an HTML page": Reply(status=404, body=b"<html>"),
    "`404`, no such mount": NO_ROUTE,
    "`403`, denied": DENIED,
    "`429` with `Retry-After: 7`": replied({"errors": []}, 429, Retry_After="7"),
    "`412`, node not up to date": refused(412),
    "`503`, sealed": SEALED,
    "`500`": refused(500),
    "`307` to another host": Reply(status=307, headers=AWAY),
    "`200` with an HTML page": HTML,
    "`200`, clocks and times of another century": metadata(
        0, created_time="1970-01-01T00:00:00Z", updated_time="2199-01-01T00:00:00Z"
    ),
    "`200` with a version that no write explains": metadata(7),
    "an answer longer than 4 MiB": Reply(body=b" " * (4 * 1024 * 1024 + 2)),
    "a connection that is cut before the answer": Cut(),
    "no answer within the time": Silence(),
}


class Ready(VaultSink):
    """The real sink, past its preflight: what is tried here is what comes after."""

    def identity(self) -> str:
        """Give the id that the policy of the tests pins."""
        return SINK_ID

    def preflight(self) -> tuple[CheckResult, ...]:
        """Find nothing."""
        return ()


@dataclass
class Run:
    """One run that makes one key, and what could be seen of it."""

    server: CannedServer
    world: World
    status: str = ""
    waits: list[float] = field(default_factory=list)

    @property
    def requests(self) -> list[str]:
        """Give the requests about the key, in order."""
        return [t for t in self.server.targets() if t.endswith(f"/keyrec/{KEY}")]

    @property
    def then(self) -> str:
        """Say in the words of the page what followed the first write."""
        later = self.requests[1:]
        if not later:
            return "not sent again"
        if later == [f"GET {METADATA}{KEY}", f"POST {DATA}{KEY}"]:
            return "looked, sent again"
        assert later == [f"POST {DATA}{KEY}"]
        return f"sent again after {self.waits[0]:.0f} s"

    @property
    def may_be_done(self) -> bool:
        """Whether the run took the write for one that may have been done: it looked, or left the
        version accepted for a reader.
        """
        return "looked" in self.then


@contextmanager
def one_run(
    reply: Reply | Cut | Silence,
    *,
    has_landed: bool = False,
    look: Reply | Cut | Silence | None = None,
) -> Iterator[Run]:
    """Make one key against a server whose answer to the first write is this one."""
    with canned() as server:
        server.answer(ANCHOR, ABSENT)
        server.answer(f"{METADATA}_keyrec/anchor", ABSENT)
        server.answer(METADATA + KEY, look or (metadata(1) if has_landed else ABSENT), ABSENT)
        server.answer(f"{DATA}{KEY}?version=1", DENIED)
        server.answer(DATA + KEY, reply, written(2 if has_landed else 1))
        sink = Ready(
            VaultSettings(
                address=server.address,
                auth=VaultAuth(token=SecretStr(TOKEN)),
                answer_timeout=0.3,
                max_retries=0,
            ),
            mount="secret",
            prefix="keyrec",
            parallelism=2,
            timing=Hours().timing,
        )
        run = Run(server=server, world=world_with(sink))
        run.world.waits = run.waits
        try:
            report = run.world.apply(spec("a"))
            run.status = report.outcomes[0].status.value
        except KeyrecError:
            run.status = run.world.watched[-1].status.value
        yield run
        sink.close()


def world_with(sink: Any, *, mount: str = "secret", identity: str = "") -> World:
    """Give a world over a sink, whose policy pins it, or the one with this identity."""
    world = World(sink=sink)
    world.store = FakeStore(world.clock)
    pinned = policy().sink
    body = policy(sink=replace(pinned, identity=identity or sink.identity(), mount=mount))
    for item in (body, PAYMENTS):
        resource = Resource(address=address_of(item), body=item, manager=MANAGER)
        world.store.seed(resource, actor=ADMIN)
        world.store.state.resources[resource.address] = resource
    return world


def rows(title: str) -> list[tuple[str, ...]]:
    """Give the rows of the table below a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


WRITES = rows("Answers to a write")


def test_the_table_of_answers_is_complete() -> None:
    """Every row has its answer here, and every answer its row."""
    assert [row[0] for row in WRITES] == list(ANSWERS)


@pytest.mark.parametrize("row", WRITES, ids=[row[0] for row in WRITES])
def test_a_run_does_what_the_table_says(row: tuple[str, ...]) -> None:
    """How the write counts, what follows in the same run, and what becomes of the key."""
    name, counts_as, then, ends = row
    with one_run(ANSWERS[name]) as run:
        assert (run.then, run.status) == (then, ends)
        if counts_as == "unknown":
            assert run.may_be_done
        assert "canary" not in repr(run.world.watched)
        assert bool(run.world.store.observe(MANAGER).operations) is (ends == "failed")


UNKNOWN = [row[0] for row in WRITES if row[1] == "unknown"]


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_write_that_had_landed_unseen_is_followed_by_one_more_version(name: str) -> None:
    """Values may not be read here: the same secret once more, at the version seen."""
    with one_run(ANSWERS[name], has_landed=True) as run:
        first, second = (
            r.document for r in run.server.received if r.method == "POST" and KEY in r.target
        )
        assert [w["options"]["cas"] for w in (first, second)] == [0, 1]
        assert first["data"] == second["data"]
        current = run.world.record("a").current
        assert current is not None
        assert current.sink_version == 2


@pytest.mark.parametrize("row", [r for r in WRITES if r[3] == "failed"], ids=lambda row: row[0])
def test_the_next_run_finishes_what_such_an_answer_left_open(row: tuple[str, ...]) -> None:
    """With a Vault that answers as it should."""
    with one_run(ANSWERS[row[0]]) as run:
        report = run.world.apply(spec("a"))
        assert report.exit_code == 0
        assert run.world.store.observe(MANAGER).operations == ()


def test_every_other_row_names_the_test_that_holds_it() -> None:
    """The tests are there under these names."""
    tests = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE))
    named = [row[2].strip("`") for row in rows("Namespaces and connections")]
    assert named
    assert [name for name in named if name not in known] == []


AFTER = rows("Answers to the look that follows")


def test_the_table_of_looks_is_complete() -> None:
    """Every row has its answer here, and every answer its row."""
    assert [row[0] for row in AFTER] == list(LOOKS)


@pytest.mark.parametrize("row", AFTER, ids=[row[0] for row in AFTER])
def test_a_look_decides_what_the_table_says(row: tuple[str, ...]) -> None:
    """Nothing is sent where the path could not be seen; the next run goes on from there."""
    name, then, ends = row
    with one_run(refused(500), look=LOOKS[name]) as run:
        sent = sum(target.startswith("POST") for target in run.requests)
        assert ("sent again" if sent > 1 else "nothing is sent", run.status) == (then, ends)
        if ends == "failed":
            assert run.world.apply(spec("a")).exit_code == 0
        assert run.world.store.observe(MANAGER).operations == ()
