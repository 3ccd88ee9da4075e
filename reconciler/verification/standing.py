"""Answers that stand: who was allowed something is allowed it again without being decided about.

The rule: an answer stands with the row that it was made from, and goes with it; and no longer than
the catalogue that it was made by, and than the time until which nothing in the row comes to an end.
That the presented text is right and that the view of the store is fresh is looked at each time.
Refusals never stand. What does not live here: decisions (`credentials/access.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from reconciler.credentials.access import allowed_until
from reconciler.credentials.verdict import Allowed
from reconciler.model.scopes import ScopeCatalog
from reconciler.verification.bounds import ROW_LIFE
from reconciler.verification.inquiry import Inquiry
from reconciler.verification.snapshot import Asked, Row, Standing
from reconciler.verification.usage import Tally, UseRecorder

MOST_STANDING: Final = 32
"""Of one row: so many different questions are remembered; others are decided each time."""
MARGIN: Final = 0.001
"""Seconds before an end from which on it is decided each time, by the exact instant."""


class StandingAnswers:
    """Gives answers that stand; takes no lock, asks nobody and never waits."""

    def __init__(self, inquiry: Inquiry, uses: UseRecorder) -> None:
        """Look at what answers are made from; nothing stands yet."""
        self.is_open = True
        """Whether anything is given: no more after the end, and in no process forked off."""
        self._uses = uses
        self._rows = inquiry.rows
        self._follower = inquiry.follower
        self._limit = inquiry.bounds.revocation.total_seconds()
        self._steady: Callable[[], float] = inquiry.steady
        self._proof = inquiry.proofs.right
        self._row = inquiry.rows.kept

    def find(self, name: bytes, asked: Asked) -> Allowed | None:
        """Give the answer to a question about the text of that name, and count it; None where it
        has to be decided.
        """
        proof = self._proof(name)
        view = self._follower.view  # before the row: a row may be newer than its view, not older
        if proof is None or view is None:
            return None
        at, row = self._steady(), self._row(proof.token.version_id)
        if row is None or at - view.as_of > self._limit or view.as_of - row.read_at > ROW_LIFE:
            return None
        standing = row.standing.get(asked)
        if standing is None or row.stored.secret_hash != proof.secret_hash:
            return None
        now = view.ahead + at
        if now >= standing.until or standing.catalog is not self._rows.catalog or not self.is_open:
            return None
        tally = standing.tally
        tally.last_at = now
        tally.count()
        return standing.verdict

    def keep(
        self, row: Row, asked: Asked, verdict: Allowed, *, by: ScopeCatalog, tally: Tally
    ) -> None:
        """Let an answer stand that was just made from a row, where there is room."""
        if len(row.standing) >= MOST_STANDING and asked not in row.standing:
            return
        end = allowed_until(row.stored)
        until = math.inf if end is None else end.timestamp() - MARGIN
        for earlier in row.standing.values():
            verdict = earlier.verdict  # it says nothing but the row: one for all questions
            break
        standing = Standing(verdict=verdict, catalog=by, until=until, tally=tally)
        self._uses.counting(standing, tally)
        row.standing[asked] = standing
