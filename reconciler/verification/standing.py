"""Answers that stand: who was allowed something is allowed it again without being decided about.

The rule: an answer stands for the very text, address, scope and environment that it was given to,
as long as the row is kept that it was made from, and no longer than the catalogue that it was made
by, and than the time until which nothing in the row comes to an end. That the view of the store is
fresh is looked at each time. Refusals never stand. Texts are named as `proofs.py` names them. What
does not live here: decisions (`credentials/access.py`).
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from weakref import WeakSet

from reconciler.credentials.access import allowed_until
from reconciler.credentials.verdict import Allowed
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.verification.bounded import Bounded
from reconciler.verification.bounds import ROW_LIFE
from reconciler.verification.inquiry import Inquiry
from reconciler.verification.seen import Tally
from reconciler.verification.snapshot import Row
from reconciler.verification.usage import UseRecorder

MOST_OF_A_ROW: Final = 256
"""So many different questions about a row are remembered; others are decided each time."""
MARGIN: Final = 0.001
"""Seconds before an end from which on it is decided each time, by the exact instant."""

Asked: TypeAlias = tuple[bytes, str | None, ScopeGrant | str | None, str | None]
"""The text's name; address, scope and environment, as they were asked about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Standing:
    """One answer that stands."""

    verdict: Allowed
    row: Row
    catalog: ScopeCatalog
    until: float
    """Seconds since 1970, by the database's clock."""
    tally: Tally
    """Counts how often it was given."""


class StandingAnswers:
    """Gives answers that stand; where one does it takes no lock, asks nobody and never waits."""

    def __init__(self, inquiry: Inquiry, uses: UseRecorder, *, entries: int) -> None:
        """Look at what answers are made from; nothing stands yet, and never more than that."""
        self.is_open = True
        """Whether anything is given: no more after the end, and in no process forked off."""
        self._uses = uses
        self._rows = inquiry.rows
        self._follower = inquiry.follower
        self._limit = inquiry.bounds.revocation.total_seconds()
        self._steady: Callable[[], float] = inquiry.steady
        self._standing: Bounded[Asked, Standing] = Bounded(entries)
        self._lock = threading.Lock()
        """Held to change what stands, and how many answers of a row do."""
        _EVERYWHERE.add(self)

    def find(self, asked: Asked) -> Allowed | None:
        """Give the answer to a question, and count it; None where it has to be decided."""
        standing = self._standing.get(asked)
        view = self._follower.view  # before the row: a row may be newer than its view, not older
        if standing is None or view is None or not self.is_open:
            return None
        row = standing.row
        if not row.is_kept or standing.catalog is not self._rows.catalog:
            self._drop(asked, standing)
            return None
        at = self._steady()
        now = view.ahead + at
        is_old = at - view.as_of > self._limit or view.as_of - row.read_at > ROW_LIFE
        if is_old or now >= standing.until:
            return None
        tally = standing.tally
        tally.last_at = now
        tally.count()
        return standing.verdict

    def same(self, verdict: Allowed, row: Row) -> Allowed:
        """Give the one value in which a row allows, for all questions and whether it stands or not:
        what is made of a value is found again by it.
        """
        first = row.allowed
        if first is None:
            with self._lock:
                first = row.allowed = row.allowed or verdict
        return first if first == verdict else verdict

    def keep(
        self, asked: Asked, verdict: Allowed, *, row: Row, by: ScopeCatalog, tally: Tally
    ) -> None:
        """Let an answer stand that was just made from a row, where there is room.

        One that many asked for at once stands once, and goes on being counted as it is.
        """
        if not self._has_place(asked, row, by):  # as a rule: so it is asked without the lock first
            return
        end = allowed_until(row.stored)
        until = math.inf if end is None else end.timestamp() - MARGIN
        standing = Standing(verdict=verdict, row=row, catalog=by, until=until, tally=tally)
        self._uses.counting(standing, tally)
        with self._lock:
            if not self._has_place(asked, row, by):
                return
            row.standing += 1
            gone = self._standing.put(asked, standing)
            if gone is not None:
                gone.row.standing -= 1

    def _has_place(self, asked: Asked, row: Row, by: ScopeCatalog) -> bool:
        """Whether an answer may be let stand: it does not yet, and there is room of its row's."""
        known = self._standing.get(asked)
        is_known = known is not None and known.row is row and known.catalog is by
        return not is_known and row.standing < MOST_OF_A_ROW

    def _drop(self, asked: Asked, standing: Standing) -> None:
        """Forget an answer that is none any more, and with it a hash that counts no more."""
        with self._lock:
            if self._standing.get(asked) is standing:
                self._standing.drop(asked)
                standing.row.standing -= 1


_EVERYWHERE: Final[WeakSet[StandingAnswers]] = WeakSet()
"""Of all verifiers of this process, for as long as each lives."""


def _end_everywhere() -> None:
    """Let nothing be answered at once in a process that was forked off."""
    for answers in _EVERYWHERE:
        answers.is_open = False


os.register_at_fork(after_in_child=_end_everywhere)
