"""Store transactions of one run: the fence, the actor, and what is done when no answer comes.

A transaction whose outcome is unknown is run again with the same id until the store says what
became of it; it is never assumed to have failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.errors import CommitUnknown, KeyrecError, LeaseLost, StoreUnavailable
from reconciler.model.journal import Fence
from reconciler.model.workspaces import Principal
from reconciler.model.writes import Commit, Committed, Write
from reconciler.ports import Entropy, KeyStore

FATAL = (LeaseLost, StoreUnavailable, CommitUnknown)
"""What ends a run: it can commit nothing more."""
TRIES = 5
FIRST_WAIT = 0.2
"""Seconds before the second try; doubled for each further one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """Commits writes under one fence, in one name."""

    store: KeyStore
    entropy: Entropy
    sleep: Callable[[float], None]
    actor: Principal
    fence: Fence | None
    revision: str | None = None
    plan_digest: str | None = None

    def run(self, writes: Sequence[Write]) -> Committed:
        """Run one transaction and give its answer, one entry per write.

        Raises:
            LeaseLost: the lease is not ours any more; nothing was written.
            StoreUnavailable: the store could not be reached; nothing was written.
            CommitUnknown: no answer after several tries; the next run finds out.
        """
        commit = Commit(
            commit_id=self.entropy.identifier(),
            actor=self.actor,
            fence=self.fence,
            writes=tuple(writes),
            revision=self.revision,
            plan_digest=self.plan_digest,
        )
        return self._repeat(commit)

    def _repeat(self, commit: Commit) -> Committed:
        unknown: CommitUnknown | None = None
        trouble: KeyrecError | None = None
        for attempt in range(TRIES):
            try:
                return self.store.commit(commit)
            except CommitUnknown as error:
                unknown, trouble = error, error
            except StoreUnavailable as error:
                trouble = error
            except LeaseLost:
                # That a later try was not committed says nothing of an unknown earlier one.
                if unknown is None:
                    raise
                raise unknown from None
            if attempt < TRIES - 1:
                self.sleep(FIRST_WAIT * 2**attempt)
        raise unknown or trouble or AssertionError("it was tried")
