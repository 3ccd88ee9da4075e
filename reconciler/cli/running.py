"""A run as it is watched at the command line: its outcomes, its signals, its report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from reconciler.apply.outcome import ApplyReport, Outcome
from reconciler.cli.interrupts import stopping
from reconciler.cli.session import Session
from reconciler.errors import Interrupted, Locked
from reconciler.render.document import report_json
from reconciler.render.text import outcome_line, report_text


@contextlib.contextmanager
def watched(session: Session) -> Iterator[Callable[[Outcome], None]]:
    """Give what is called with every outcome; Ctrl-C ends the run cleanly meanwhile.

    Raises:
        Interrupted: the wish to stop came while the run still waited for the lease.
    """
    style = session.error_style

    def say(outcome: Outcome) -> None:
        session.say(outcome_line(outcome, style))

    with stopping(session.stop, session.interject):
        try:
            yield say
        except Locked:
            if session.stop.is_set():
                raise Interrupted("Interrupted while waiting for the lease.") from None
            raise


def show_report(session: Session, report: ApplyReport, form: str) -> None:
    """Write a report as the result."""
    if form == "json":
        session.show(report_json(report))
        return
    session.show(report_text(report, session.style))
