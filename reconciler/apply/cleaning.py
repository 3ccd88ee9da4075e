"""Destroying copies of ended secrets in the sink: hygiene, for acceptance ended long before.

The right to it is optional in a sink. Where it is denied nothing has failed: it is said once, the
copies stay due, and a workspace of which a copy was denied is asked no more in the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.apply.batches import batches
from reconciler.apply.copies import Copy
from reconciler.apply.doors import RunWatch
from reconciler.apply.ledger import Ledger
from reconciler.apply.steps import SecretMaker
from reconciler.errors import KeyrecError, SinkDenied
from reconciler.ports import SecretSink


@dataclass(slots=True, kw_only=True)
class Cleaner:
    """The destroying of one run."""

    maker: SecretMaker
    sink: SecretSink
    sink_trouble: KeyrecError | None
    """Why the sink cannot be used in this run; None where it can."""
    watch: RunWatch
    batch_size: int
    ledger: Ledger
    _denied: list[Copy] = field(default_factory=list)

    def destroy(self, ended: Iterable[Copy]) -> None:
        """Destroy these copies and remember which ones are gone."""
        for batch in batches(self._without_new(ended), self.batch_size):
            if self.watch.stop.is_set():
                break
            self._destroy_batch(self._without_denied(batch))
        if self._denied:
            self.ledger.warnings.append(_words(len(self._denied)))

    def _destroy_batch(self, batch: Sequence[Copy]) -> None:
        answers = list(self.maker.threads.map(self._destroy_one, batch))
        gone = [c for c, error in zip(batch, answers, strict=True) if error is None]
        if gone:
            self.maker.transactions.run([copy.record_destroyed() for copy in gone])
        for copy, error in zip(batch, answers, strict=True):
            if self.sink_trouble is None and isinstance(error, SinkDenied):
                self._leave(copy)
            elif copy.item is not None or error is not None:
                self.ledger.tell(copy.item, copy.outcome(error))

    def _destroy_one(self, copy: Copy) -> KeyrecError | None:
        if self.sink_trouble is not None:
            return self.sink_trouble
        try:
            self.sink.destroy(copy.path, [copy.sink_version])
        except KeyrecError as error:
            return error
        return None

    def _leave(self, copy: Copy) -> None:
        self._denied.append(copy)
        self.ledger.drop(copy.item)

    def _without_denied(self, batch: Sequence[Copy]) -> list[Copy]:
        closed = {copy.workspace for copy in self._denied}
        for copy in batch:
            if copy.workspace in closed:
                self._leave(copy)
        return [copy for copy in batch if copy.workspace not in closed]

    def _without_new(self, ended: Iterable[Copy]) -> Iterator[Copy]:
        """Leave out numbers under which this run has just written a living secret.

        A path that was deleted outside counts its versions from 1 again.
        """
        new = {(o.path, o.sink_version) for o in self.ledger.outcomes}
        for copy in ended:
            if (copy.path, copy.sink_version) in new:
                self.ledger.drop(copy.item)
            else:
                yield copy


def _words(count: int) -> str:
    stays = (
        "1 copy of an ended secret stays" if count == 1 else f"{count} copies of ended secrets stay"
    )
    return (
        f"{stays} in the sink, which denies destroying; nobody gets in with them any more. To have "
        "them destroyed, give this login the right (in Vault: apply-destroy.hcl)"
    )
