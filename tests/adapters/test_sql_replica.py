"""Verifying on a read replica: it does as long as it keeps up, and counts as stale when it lags."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.sql_verification import SqlVerificationStore
from reconciler.adapters.system import steady
from reconciler.credentials.hashing import hash_key
from reconciler.credentials.verdict import Allowed, Verdict
from reconciler.model.policy import HashProfile
from reconciler.verification.bounds import Bounds
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier
from tests.contracts.store_story import POLICY, Story, resource
from tests.credentials.examples import API_KEY, VERSION_ID
from tests.fakes.system import FakeClock, FakeEntropy
from tests.services.postgres_server import DURABLE, PASSING, PostgresServer

LAG = timedelta(seconds=3)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A primary and its replica."""

    primary: str
    replica: str
    admin: Engine
    """Connections to the replica, each statement by itself."""

    def replay(self, *, is_paused: bool) -> None:
        """Let the replica stand still, or go on."""
        what = "pause" if is_paused else "resume"
        with self.admin.connect() as connection:
            connection.execute(text(f"SELECT pg_wal_replay_{what}()"))

    def wait_until_equal(self) -> None:
        """Wait until the replica has replayed what it has been sent."""
        with self.admin.connect() as connection:
            caught_up = text("SELECT count(*) FROM key_versions")
            while not connection.execute(caught_up).scalar_one():
                pass


@pytest.fixture
def pair(postgres_programs: Path) -> Iterator[Pair]:
    """Run two servers, the second following the first."""
    del postgres_programs
    with ExitStack() as ends:
        primary = ends.enter_context(running(DURABLE))
        primary.make()
        primary.start()
        ends.callback(primary.stop)
        with closing(SqlStore(primary.url)) as store:
            store.migrate()
        replica = ends.enter_context(running(PASSING))
        replica.copy_of(primary)
        replica.start()
        ends.callback(replica.stop)
        admin = create_engine(replica.url, isolation_level="AUTOCOMMIT")
        ends.callback(admin.dispose)
        yield Pair(primary=primary.url, replica=replica.url, admin=admin)


@contextmanager
def running(settings: tuple[str, ...]) -> Iterator[PostgresServer]:
    """Give a server in a folder that ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="keyrec-pg-"))
    try:
        yield PostgresServer(folder, settings=settings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def reason(verdict: Verdict) -> str:
    """Give a verdict as a word."""
    return "allowed" if isinstance(verdict, Allowed) else verdict.reason.value


def test_a_replica_answers_while_it_keeps_up_and_closes_when_it_does_not(pair):
    """It is paused after a deactivation that it never saw: the key works no longer than is
    promised, and then nothing does; when it goes on, the key is known to be off.
    """
    store = SqlStore(pair.primary)
    store.seed(resource(POLICY), actor="local:alice")
    story = Story(store=store, clock=FakeClock())
    issued(story)
    pair.wait_until_equal()
    verifier = Verifier(
        SqlVerificationStore(pair.replica),
        entropy=FakeEntropy(),
        steady=steady,
        terms=VerifierTerms(bounds=Bounds(revocation=timedelta(seconds=1), max_stale=LAG)),
    )
    with verifier:
        assert until(verifier, story, {"allowed"}, while_not={"unavailable"}) == "allowed"
        pair.replay(is_paused=True)
        story.done(story.updating(story.record("a"), active=False))
        assert until(verifier, story, {"unavailable"}, while_not={"allowed"}) == "unavailable"
        pair.replay(is_paused=False)
        off = until(verifier, story, {"key-inactive"}, while_not={"unavailable"})
        assert off == "key-inactive"
    store.close()


def issued(story: Story) -> None:
    """Issue the example key."""
    hashed = hash_key(API_KEY, entropy=FakeEntropy("salt"), profile=HashProfile.TOKEN)
    begin = story.creation("a", allowlist=None, ranges=None)
    story.finish(
        replace(
            begin,
            version=replace(begin.version, version_id=VERSION_ID, secret_hash=hashed),
        )
    )


def until(verifier: Verifier, story: Story, wanted: set[str], *, while_not: set[str]) -> str:
    """Ask until the answer is one of these; the primary is kept busy, as a real one is."""
    while True:
        answer = reason(verifier.check(API_KEY))
        if answer in wanted:
            return answer
        assert answer in while_not
        story.done(story.creation(story.unique("busy")))
