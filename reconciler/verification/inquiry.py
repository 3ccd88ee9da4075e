"""How one question is answered: at once from what is known, or in steps that wait for the store and
for a hash.

Before a secret is proven no answer depends on whether its id is known: while the store is out of
reach neither is answered. Only where more is asked than can be hashed is a known id told apart, by
being turned away; ids are no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

from reconciler.credentials import access
from reconciler.credentials.verdict import Circumstances, Presented, Verdict
from reconciler.errors import KeyrecError
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.token import ParsedToken, TokenFault, parse
from reconciler.ports import StoredVersion
from reconciler.verification.bounds import PATIENCE, Bounds
from reconciler.verification.chained import followed
from reconciler.verification.follower import Follower, View
from reconciler.verification.loader import Loader
from reconciler.verification.proofs import Proof, Proofs
from reconciler.verification.prover import Prover
from reconciler.verification.question import Question, overloaded, unavailable
from reconciler.verification.snapshot import Row, Snapshot

_TURNS = 4
_END_OF_TIME = datetime.max.replace(tzinfo=timezone.utc)
"""When everything has expired: the time of an answer for which no time is known."""

Wait: TypeAlias = tuple["Future[Any]", float]
"""What is waited for, and for how many seconds at most."""
Steps: TypeAlias = Generator[Wait, Any, "Found"]


class _NoRoomError(Exception):
    """More waits than may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer, and the row it speaks of where there is one in the store."""

    verdict: Verdict
    row: Row | None = None
    at: datetime | None = None
    """The database's time for which it was decided."""
    catalog: ScopeCatalog = BUILT_IN_CATALOG
    """The catalogue by which it was decided."""


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """Everything that an answer is made from."""

    bounds: Bounds
    steady: Callable[[], float]
    proofs: Proofs
    rows: Snapshot
    follower: Follower
    loader: Loader
    prover: Prover

    def at_once(self, question: Question) -> Found | None:
        """Answer what needs neither the store nor a hash; None where something has to be had."""
        proof = self.proofs.find(question.name)
        token = parse(question.secret.reveal()) if proof is None else proof.token
        refused = access.refused_text(token, question.issuer)
        if refused is not None or isinstance(token, TokenFault):
            return self._found(question, Presented(token=token), None)
        if self.prover.is_closed:
            return Found(verdict=unavailable(token.version_id))
        view = self._fresh_view(self.bounds.revocation)
        return None if proof is None or view is None else self._known(question, proof, view)

    def steps(self, question: Question) -> Steps:
        """Answer about a well-formed text: yields what has to be waited for, is sent its result.

        A turn ends with a row and a proof that were waited for; the answer is given by a turn that
        had to wait for neither, so it is never of a state from before the waiting.
        """
        proof = self.proofs.find(question.name)
        token = parse(question.secret.reveal()) if proof is None else proof.token
        assert isinstance(token, ParsedToken)  # noqa: S101 - at_once answers all others
        for _ in range(_TURNS):
            view = yield from self._recent_view()
            known = None if proof is None or view is None else self._known(question, proof, view)
            if known is not None:
                return known
            if view is None or not self.follower.is_in_reach:
                break
            try:
                proof = yield from self._proven(question, token)
            except _NoRoomError:
                if self.prover.is_closed:
                    break
                return Found(verdict=overloaded(token.version_id))
            except (KeyrecError, TimeoutError):
                break
            if proof is None:
                return self._found(question, Presented(token=token), view)
        return Found(verdict=unavailable(token.version_id))

    def _recent_view(self) -> Generator[Wait, Any, View | None]:
        """Give a view of the store that may be answered by; None where there is none.

        Where the looks in the background came too late, the store is asked now. An older view
        counts only where the store does not answer, not where nobody came to ask it.
        """
        if self._fresh_view(self.bounds.revocation) is None and self.follower.is_in_reach:
            try:
                yield self.follower.refreshed(), PATIENCE
            except TimeoutError:
                if not self.follower.lose_sight():
                    return None
        limit = self.bounds.revocation if self.follower.is_in_reach else self.bounds.max_stale
        return self._fresh_view(limit)

    def _proven(self, question: Question, token: ParsedToken) -> Generator[Wait, Any, Proof | None]:
        """Have the row, then the proof that the text stands behind it; None for an unknown id."""
        row = self.rows.get(token.version_id, self.steady())
        if row is None:
            found: Proof | None = yield self._read_and_proven(question, token), 2 * PATIENCE
        else:
            proving = self.prover.prove(question, token, row.stored.secret_hash)
            if proving is None:
                raise _NoRoomError
            found = yield proving, PATIENCE
        if found is not None and found.is_match and self.rows.hashing is not None:
            self.prover.renew(
                token.version_id, found.secret_hash, question.secret, self.rows.hashing
            )
        return found

    def _read_and_proven(self, question: Question, token: ParsedToken) -> Future[Proof | None]:
        """Have the row read and then the text proven, without this thread in between."""
        reading = self.loader.load(token.version_id)
        if reading is None:
            raise _NoRoomError
        limit = self.steady() + PATIENCE

        def prove(stored: StoredVersion | None) -> Future[Proof] | None:
            if stored is None:
                return None
            if self.steady() > limit:
                raise TimeoutError
            proving = self.prover.prove(question, token, stored.secret_hash)
            if proving is None:
                raise _NoRoomError
            return proving

        return followed(reading, prove)

    def _known(self, question: Question, proof: Proof, view: View) -> Found | None:
        """Answer by a remembered proof and a row that is kept; None where either is not there.

        That a text is wrong is said only with the store in reach, as of an id that is unknown.
        """
        if not proof.is_match and not self.follower.is_in_reach:
            return None
        row = self.rows.get(proof.token.version_id, view.as_of)
        if row is None or row.stored.secret_hash != proof.secret_hash:
            return None
        presented = Presented(token=proof.token, stored=row.stored, is_match=proof.is_match)
        return self._found(question, presented, view, row)

    def _fresh_view(self, limit: timedelta) -> View | None:
        """Give the view of the store where it is no older than that."""
        view = self.follower.view
        is_fresh = view is not None and self.steady() - view.as_of <= limit.total_seconds()
        return view if is_fresh else None

    def _found(
        self, question: Question, presented: Presented, view: View | None, row: Row | None = None
    ) -> Found:
        now, catalog = None if view is None else view.now(self.steady()), self.rows.catalog
        circumstances = Circumstances(
            now=now or _END_OF_TIME,
            issuer=question.issuer,
            address=question.address,
            wanted=question.wanted,
            catalog=catalog,
        )
        verdict = access.decide(presented, circumstances)
        return Found(verdict=verdict, row=row, at=now, catalog=catalog)
