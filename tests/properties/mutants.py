"""Mutants: keyrec with one rule of the protocol broken, each a small patch of the real code or of a
fake, and a short story in which it must be caught. The same story leaves the true code alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from reconciler.apply import looking, recovery
from reconciler.apply.delivery import Courier, Sending
from reconciler.apply.steps import SecretMaker, Sent
from reconciler.apply.transactions import Transactions
from reconciler.apply.work import Started
from reconciler.errors import CommitUnknown
from reconciler.model.keys import KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.secret_writes import BeginSecret, Retarget
from reconciler.model.writes import Commit, Committed, RetireVersion, WriteRefusal
from reconciler.planning import guards, maintenance, places
from reconciler.planning.guards import holds_are_respected
from tests.fakes import sink, store_secrets, store_writes
from tests.fakes.sink import FakeSink
from tests.fakes.store import FakeStore
from tests.fakes.store_transaction import Transaction
from tests.properties.stage import Stage

Patch = Callable[[pytest.MonkeyPatch], None]


def sink_ignores_the_expected_version(patch: pytest.MonkeyPatch) -> None:
    """Without check-and-set: whatever arrives is written."""
    put = sink._Place.put
    patch.setattr(sink._Place, "put", lambda place, value, _: put(place, value, place.current))


def resend_without_an_attempt(patch: pytest.MonkeyPatch) -> None:
    """A second write goes out with a version that no attempt was committed for."""

    def resend(_: Courier, sending: Sending, version: int) -> Sending:
        return replace(sending, expected=version, claim=sending.claim.attempting(version))

    patch.setattr(Courier, "_attempt_again", resend)


def retire_before_the_overlap(patch: pytest.MonkeyPatch) -> None:
    """Whatever was replaced is ended by the next run."""

    def retire(at: Transaction, write: RetireVersion) -> WriteRefusal | None:
        at.retire_now(at.state.versions[write.version_id])
        return None

    def is_overdue(version: KeyVersion, _: datetime) -> bool:
        return version.state is VersionState.RETIRING

    patch.setattr(maintenance, "is_overdue", is_overdue)
    patch.setitem(store_writes._RULES, RetireVersion, retire)


def confirm_what_is_not_provisional(patch: pytest.MonkeyPatch) -> None:
    """A version that was ended meanwhile becomes current."""
    patch.setattr(store_secrets, "_live_target_refusal", store_secrets._target_refusal)


def retire_the_interrupted_at_once(patch: pytest.MonkeyPatch) -> None:
    """A version whose run died ends before its successor is confirmed."""

    def retarget(at: Transaction, write: Retarget) -> WriteRefusal | None:
        refusal = store_secrets.retarget(at, write)
        if refusal is None:
            at.retire_now(at.state.versions[write.interrupted])
        return refusal

    patch.setitem(store_writes._RULES, Retarget, retarget)


def trust_a_stale_epoch(patch: pytest.MonkeyPatch) -> None:
    """The store asks no transaction for the lease."""
    patch.setattr(FakeStore, "_own_lease", lambda *_: None)


def destroy_with_the_count(patch: pytest.MonkeyPatch) -> None:
    """The last copy of a path takes the path's metadata with it."""
    destroy = FakeSink.destroy

    def destroy_all(self: FakeSink, path: str, versions: Sequence[int]) -> None:
        destroy(self, path, versions)
        if not self._places[path].values:
            self.forget(path)

    patch.setattr(FakeSink, "destroy", destroy_all)


def take_no_answer_for_a_no(patch: pytest.MonkeyPatch) -> None:
    """A transaction whose outcome is unknown is taken to have failed, and made anew."""

    def repeat(self: Transactions, commit: Commit) -> Committed:
        try:
            return self.store.commit(commit)
        except CommitUnknown:
            return repeat(self, replace(commit, commit_id=self.entropy.identifier()))

    patch.setattr(Transactions, "_repeat", repeat)


def write_before_the_store_knows(patch: pytest.MonkeyPatch) -> None:
    """The secret is sent first and stored after."""
    begin = SecretMaker._begin

    def begin_late(self: SecretMaker, started: Sequence[Started]) -> tuple[Sent, ...]:
        for one in started:
            sending = self._sending(one, self.transactions.store.now())
            self.courier.sink.write(sending.path, sending.payload, expected=sending.expected)
        return begin(self, started)

    patch.setattr(SecretMaker, "_begin", begin_late)


def destroy_the_living(patch: pytest.MonkeyPatch) -> None:
    """Every copy in the sink is taken for an ended one."""
    for module in (maintenance, places):
        patch.setattr(module, "is_over", lambda *_: True)


def replace_a_held_key(patch: pytest.MonkeyPatch) -> None:
    """Neither planning nor the store looks at holds."""
    others = tuple(g for g in guards.GUARDS if g is not holds_are_respected)
    begin = store_secrets._record_refusal

    def refusal(at: Transaction, write: BeginSecret) -> WriteRefusal | None:
        found = begin(at, write)
        return None if found is WriteRefusal.HELD else found

    patch.setattr(guards, "GUARDS", others)
    patch.setattr(store_secrets, "_record_refusal", refusal)


def forget_the_overlap(patch: pytest.MonkeyPatch) -> None:
    """A confirmation ends the older secret at once."""
    patch.setattr(Transaction, "retire_later", lambda at, slot, _: at.retire_now(slot))


def confirm_unseen(patch: pytest.MonkeyPatch) -> None:
    """A recovery takes whatever is at the path for the interrupted secret."""
    patch.setattr(recovery.Recovery, "_is_there", lambda *_: True)


def let_the_replaced_live_on(patch: pytest.MonkeyPatch) -> None:
    """Nothing ends the secrets of a key that a reissue replaced."""
    patch.setattr(Transaction, "predecessors", lambda *_: [])


def trust_what_is_at_the_path(patch: pytest.MonkeyPatch) -> None:
    """Maintenance looks at the sink and takes whatever it sees."""
    patch.setattr(looking, "path_drift", lambda *_: None)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One broken rule, and the story that tells it from the true one."""

    patch: Patch
    story: Callable[[Stage], None]
    dies_of: str
    """What is said of it: the law that it breaks."""

    @property
    def name(self) -> str:
        """Give the rule's name."""
        return self.patch.__name__.replace("_", " ")
