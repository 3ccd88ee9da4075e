"""Broken ways of keyrec, for seeing that a campaign can fail: each has to be found.

A mutant lives in the driver's memory, and so in every run that is forked from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.adapters import sql_endings, sql_leases, sql_retiring, vault_sink
from reconciler.apply import delivery
from reconciler.model.lifetime import VersionState
from reconciler.ports import CheckAndSetRefused


def _ends_at_once(now: Any, overlap: Any, expires_at: Any) -> Any:
    del overlap, expires_at
    return now


def without_overlap() -> None:
    """A replaced secret ends with the confirmation of its successor."""
    vars(sql_retiring)["overlap_deadline"] = _ends_at_once


def without_attempt() -> None:
    """After an unclear answer the write is sent again with whatever number is there."""

    def attempt_again(self: Any, sending: Any, version: int) -> Any:
        answer = self.sink.write(sending.path, sending.payload, expected=version)
        if isinstance(answer, CheckAndSetRefused):
            return sending
        return delivery.Delivered(sink_version=answer)

    delivery.Courier._attempt_again = attempt_again  # type: ignore[method-assign]  # the mutant


def trusting_the_unknown() -> None:
    """A write without an answer is taken for done."""
    send = delivery.Courier._send

    def hopeful(self: Any, sending: Any, *, wait: float) -> Any:
        result = send(self, sending, wait=wait)
        if isinstance(result, delivery.Sending | delivery.Undelivered):
            return delivery.Delivered(sink_version=sending.expected + 1)
        return result

    delivery.Courier._send = hopeful  # type: ignore[method-assign]  # the mutant


def reviving() -> None:
    """A retired version is accepted again when its copy has been destroyed."""
    record = sql_endings._record_destroyed

    def revive(work: Any, write: Any) -> Any:
        refusal = record(work, write)
        if refusal is None:
            work.versions.change(write.version_id)["state"] = VersionState.CURRENT
        return refusal

    sql_endings._record_destroyed = revive


def without_fence() -> None:
    """A run that has lost its lease commits all the same."""
    sql_leases.Leases.lock_fence = lambda *_: None  # type: ignore[assignment]  # the mutant


def without_check_and_set() -> None:
    """A write goes to whatever version the path has."""
    write = vault_sink.VaultSink.write

    def careless(self: Any, path: str, payload: Any, *, expected: int) -> Any:
        del expected
        return write(self, path, payload, expected=self.observe(path).version)

    vault_sink.VaultSink.write = careless  # type: ignore[method-assign]  # the mutant


MUTANTS: dict[str, Callable[[], None]] = {
    "without-overlap": without_overlap,
    "without-attempt": without_attempt,
    "without-check-and-set": without_check_and_set,
    "without-fence": without_fence,
    "trusting-the-unknown": trusting_the_unknown,
    "reviving": reviving,
}
