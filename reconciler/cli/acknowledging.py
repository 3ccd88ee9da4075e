"""From what a restored store has lost to a decision about it: shown, asked, done, told."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.apply.acknowledging import Answer
from reconciler.apply.outcome import ApplyReport
from reconciler.bootstrap.auditing import acknowledgement, disagreement_of
from reconciler.bootstrap.wishes import RunTerms
from reconciler.bootstrap.workplace import Workplace
from reconciler.cli.asking import has_said_yes, is_attended
from reconciler.cli.running import show_report, watched
from reconciler.cli.session import Session
from reconciler.errors import Declined, ExitCode, Refused
from reconciler.render.audit import disagreement_text

_NOTHING = "The store holds what the sink remembers; there is nothing to acknowledge."
_QUESTIONS = {
    Answer.ROTATE_ALL: "End these secrets again and give every key a new one? [y/N] ",
    Answer.ACCEPT: "End these secrets again and accept the store as it is? [y/N] ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledging:
    """One `keyrec audit acknowledge`."""

    session: Session
    form: str
    terms: RunTerms
    asks: bool

    def carry_out(self, answer: str | None) -> ExitCode:
        """Show, ask and do it; the exit code.

        Raises:
            Refused, Declined: nothing was done.
        """
        with self.session.workplace() as place:
            found = disagreement_of(place)
            if found is None:
                self.session.show(_NOTHING)
                return ExitCode.DONE
            self.session.say(disagreement_text(found, self.session.error_style))
            chosen = self._chosen(answer)
            self._ask(chosen)
            return self._done(place, chosen)

    def _chosen(self, answer: str | None) -> Answer:
        if answer is None:
            raise Refused(
                "Nothing was decided about the secrets of the restored store.",
                advice="Add --rotate-all, or --accept where nobody can have used an ended key.",
            )
        return Answer(answer)

    def _ask(self, answer: Answer) -> None:
        if not self.asks:
            return
        if not is_attended():
            raise Refused(
                "Nobody approved this, and there is no terminal to ask at.",
                advice="Look at what was lost, then add --auto-approve.",
            )
        if not has_said_yes(_QUESTIONS[answer]):
            raise Declined("Nothing was done.", advice="Say y or yes to go on.")

    def _done(self, place: Workplace, answer: Answer) -> ExitCode:
        with watched(self.session) as on_outcome:
            report = acknowledgement(place, answer, self.terms, on_outcome)
        if report is None:
            self.session.show(_NOTHING)
            return ExitCode.DONE
        self._tell(report)
        return report.exit_code

    def _tell(self, report: ApplyReport) -> None:
        show_report(self.session, report, self.form)
        if report.exit_code is ExitCode.DONE:
            self.session.say("Acknowledged; the sink remembers the store as it is now.")
        else:
            self.session.say("Not acknowledged yet: run it again when what failed is mended.")
