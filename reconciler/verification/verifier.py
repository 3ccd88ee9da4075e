"""`Verifier`: may this presented key do this, from here, now? Asked in process, a million times.

The order of checks is that of `credentials/access.py`, how an answer is come by is `inquiry.py`;
here is the door: what is asked, in threads or in an event loop, and what is remembered of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from reconciler.credentials.verdict import Allowed, Issuer, Verdict
from reconciler.errors import VerifierMisused
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.ports import Entropy
from reconciler.verification.doors import VerificationStore
from reconciler.verification.driving import awaited, waited
from reconciler.verification.fair_pool import FairPool
from reconciler.verification.follower import Follower
from reconciler.verification.inquiry import Found, Inquiry
from reconciler.verification.loader import Loader
from reconciler.verification.proofs import Proofs
from reconciler.verification.prover import Prover
from reconciler.verification.question import (
    Question,
    as_secret,
    plain_address,
    wanted_scope,
)
from reconciler.verification.seen import Tally
from reconciler.verification.snapshot import Snapshot
from reconciler.verification.standing import Asked, StandingAnswers
from reconciler.verification.terms import VerifierState, VerifierTerms
from reconciler.verification.usage import UseRecorder

KEY_LENGTH = 43
"""Base62 digits of the key of remembered proofs: 256 bits."""


class Verifier:
    """Answers about presented keys; safe to use from many threads and from asyncio."""

    def __init__(
        self,
        store: VerificationStore,
        *,
        entropy: Entropy,
        steady: Callable[[], float],
        terms: VerifierTerms | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open the store and follow it; `steady` is a clock in seconds that never goes back.

        `on_trouble` is told, in one sentence without a secret, what an operator should know.

        Raises:
            StoreOutdated: these are not this program's tables. A store that is out of reach is
                waited for: nothing is allowed until then.
        """
        terms, tell = terms or VerifierTerms(), _safely(on_trouble)
        self._issuer = terms.issuer
        self._process = os.getpid()
        self._proofs = Proofs(key=entropy.base62(KEY_LENGTH).encode(), entries=terms.entries)
        self._store = store
        rows = Snapshot(entries=terms.entries)
        pool = FairPool(threads=terms.threads, steady=steady, name="keyrec-prover", room=terms.room)
        self._inquiry = Inquiry(
            bounds=terms.bounds,
            steady=steady,
            proofs=self._proofs,
            rows=rows,
            follower=Follower(store, rows, bounds=terms.bounds, steady=steady, on_trouble=tell),
            loader=Loader(store, rows, steady=steady, on_trouble=tell),
            prover=Prover(store, self._proofs, pool, entropy=entropy, on_trouble=tell),
        )
        self._uses = UseRecorder(
            store, reporter=terms.reporter, now=self._store_time, on_trouble=tell
        )
        self._standing = StandingAnswers(self._inquiry, self._uses, entries=2 * terms.entries)
        self._start()

    def check(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide about a presented key.

        `address`: the client's, as the service behind its proxies knows it. `scope`: what the call
        needs, `Resource:level`. `environment`: where the key is presented; the verifier's own where
        it is not named. Never raises for what is presented, whatever it is.
        """
        key = as_secret(key)
        asked = (self._proofs.name(key), address, scope, environment)
        standing = self._standing.find(asked)
        if standing is not None:
            return standing
        question = self._question(key, asked)
        found = self._inquiry.at_once(question) or waited(self._inquiry.steps(question))
        return self._noted(question, found, asked)

    async def check_async(
        self,
        key: str | Secret,
        *,
        address: str | None = None,
        scope: ScopeGrant | str | None = None,
        environment: str | None = None,
    ) -> Verdict:
        """Decide as `check` does, without ever holding up the event loop."""
        key = as_secret(key)
        asked = (self._proofs.name(key), address, scope, environment)
        standing = self._standing.find(asked)
        if standing is not None:
            return standing
        question = self._question(key, asked)
        found = self._inquiry.at_once(question) or await awaited(self._inquiry.steps(question))
        return self._noted(question, found, asked)

    @property
    def state(self) -> VerifierState:
        """Give the numbers for operators."""
        asked = self._inquiry
        view = asked.follower.view
        age = None if view is None else asked.steady() - view.as_of
        return VerifierState(
            is_ready=age is not None and age <= asked.bounds.max_stale.total_seconds(),
            age=age,
            hashes=asked.prover.runs,
            renewed_hashes=asked.prover.renewed,
            row_queries=asked.loader.queries,
            refreshes=asked.follower.refreshes,
        )

    def report_uses(self) -> bool:
        """Report the last uses now instead of within the minute; whether that was done."""
        return self._uses.report()

    def close(self) -> None:
        """Answer what is under way, report the last uses, end threads and connections.

        Nothing happens in a process that was forked off: all of it is the parent's.
        """
        if os.getpid() != self._process:
            return
        self._standing.is_open = False
        with ExitStack() as ends:
            ends.callback(self._store.close)
            ends.callback(self._uses.stop)
            ends.callback(self._inquiry.follower.stop)
            ends.callback(self._inquiry.prover.close)
            ends.callback(self._inquiry.loader.stop)

    def _start(self) -> None:
        self._inquiry.loader.start()
        self._uses.start()
        try:
            self._inquiry.follower.start()
        except BaseException:
            self.close()
            raise

    def _question(self, secret: Secret, asked: Asked) -> Question:
        if os.getpid() != self._process:
            raise VerifierMisused(
                "This verifier was opened in another process: its threads are not in this one.",
                advice="Open it after the fork, in each worker: gunicorn's post_fork does.",
            )
        name, address, scope, environment = asked
        issuer = self._issuer
        if environment is not None and environment != issuer.environment:
            issuer = Issuer(prefix=issuer.prefix, environment=environment)
        return Question(
            secret=secret,
            name=name,
            issuer=issuer,
            address=address,
            wanted=wanted_scope(scope) if isinstance(scope, str) else scope,
        )

    def _noted(self, question: Question, found: Found, asked: Asked) -> Verdict:
        """Remember the use of a version that exists, and what it is allowed; what is none leaves no
        trace.
        """
        verdict, row, at = found.verdict, found.row, found.at
        if row is None or at is None:
            return verdict
        version_id = row.stored.version.version_id
        address = None if question.address is None else plain_address(question.address)
        if isinstance(verdict, Allowed):
            verdict = self._standing.same(verdict, row)
            scope = None if question.wanted is None else str(question.wanted)
            self._uses.allowed(version_id, at, address=address, scope=scope)
            if address is not None or question.address is None:
                tally = Tally(version_id, address=address, scope=scope)
                self._standing.keep(asked, verdict, row=row, by=found.catalog, tally=tally)
        else:
            self._uses.denied(version_id, at, reason=verdict.reason, address=address)
        return verdict

    def _store_time(self) -> datetime | None:
        view = self._inquiry.follower.view
        return None if view is None else view.now(self._inquiry.steady())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _safely(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Let what is told of troubles make none: it is called in threads that have to go on."""

    def told(trouble: str) -> None:
        with suppress(Exception):
            tell(trouble)

    return told
