"""Rotation at a person's word, and what is said about a leaked secret before its successor."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.apply.outcome import Outcome, OutcomeStatus
from reconciler.bootstrap.wishes import RunTerms
from reconciler.bootstrap.workplace import Workplace
from reconciler.cli.names import find_address, is_version_id, refuse_token
from reconciler.cli.running import show_report, watched
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, KeyrecError
from reconciler.model.keys import KeyAddress, KeyStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotating:
    """One `keyrec rotate`."""

    session: Session
    form: str
    terms: RunTerms

    def renew(self, place: Workplace, name: str) -> ExitCode:
        """Give the key a new secret."""
        return self._rotate(place, find_address(place.store, name))

    def replace_leaked(self, place: Workplace, name: str) -> ExitCode:
        """End what leaked, then make the successor where the key has no current secret left."""
        refuse_token(name)
        if is_version_id(place.store, name):
            address = place.emergency.end_leaked_version(name)
            ended: tuple[str, ...] = (name,)
        else:
            address = find_address(place.store, name)
            ended = place.emergency.end_leaked(address)
        self.session.warn(f"{address}: {_ended_words(ended)}")
        if not _wants_successor(place, address, ended):
            return ExitCode.DONE
        try:
            return self._rotate(place, address)
        except KeyrecError:
            self.session.warn(
                f"{address} has no accepted secret now; the next apply makes its successor."
            )
            raise

    def _rotate(self, place: Workplace, address: KeyAddress) -> ExitCode:
        with watched(self.session) as on_outcome:
            report = place.rotate(address, self.terms, on_outcome)
        done = next((o for o in report.outcomes if _is_done(o, address)), None)
        if done is None or self.form == "json":
            show_report(self.session, report, self.form)
        else:
            version = f"version {done.sink_version}"
            self.session.show(f"{address} has a new secret at {done.path}, {version}.")
        return report.exit_code


def _is_done(outcome: Outcome, address: KeyAddress) -> bool:
    """Whether the outcome is the new secret that was asked for."""
    is_applied = outcome.status is OutcomeStatus.APPLIED and outcome.sink_version is not None
    return is_applied and outcome.address == str(address)


def _ended_words(ended: tuple[str, ...]) -> str:
    if not ended:
        return "no secret of it was accepted any more."
    verb = "is" if len(ended) == 1 else "are"
    return f"{', '.join(ended)} {verb} ended; nobody gets in with it any more."


def _wants_successor(place: Workplace, address: KeyAddress, ended: tuple[str, ...]) -> bool:
    """Whether a live key is left without a current secret, or with one that may stand no more at
    its path: a secret that was still on its way has ended.
    """
    records = place.store.find(address)
    live = [record for record in records if record.status is KeyStatus.LIVE]
    sent = {v.version_id for r in live for v in r.versions if v.confirmed_at is None}
    return any(record.current is None for record in live) or bool(sent & set(ended))
