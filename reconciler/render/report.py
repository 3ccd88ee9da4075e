"""What became of a run: one line for each outcome that needs a person, counts, the audit head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.apply.outcome import ApplyReport, Outcome, OutcomeStatus
from reconciler.render.json_form import FORMAT_VERSION, exit_words, json_text
from reconciler.render.style import Style, Tint, escape, joined

_GROUPS = (OutcomeStatus.FAILED, OutcomeStatus.BLOCKED, OutcomeStatus.NOT_ATTEMPTED)
_TINTS = {
    OutcomeStatus.APPLIED: Tint.GREEN,
    OutcomeStatus.FAILED: Tint.RED,
    OutcomeStatus.BLOCKED: Tint.RED,
    OutcomeStatus.NOT_ATTEMPTED: Tint.YELLOW,
}
_STATUS_WIDTH = 13
_NEXT_RUN = (
    "Interrupted. Nothing is lost: the next run finishes what was under way and does the rest."
)


def report_text(report: ApplyReport, style: Style) -> str:
    """Show how a run ended."""
    return joined(_report_lines(report, style))


def outcome_line(outcome: Outcome, style: Style) -> str:
    """Show one outcome on one line without a line break, as it becomes known."""
    status = style.paint(f"{outcome.status.value:<{_STATUS_WIDTH}}", _TINTS[outcome.status])
    actions = ", ".join(escape(action) for action in outcome.actions)
    return f"{status} {escape(outcome.address)} ({actions}){_place(outcome)}{_message(outcome)}"


def _place(outcome: Outcome) -> str:
    if outcome.path is None:
        return ""
    version = "" if outcome.sink_version is None else f" version {outcome.sink_version}"
    return f" at {escape(outcome.path)}{version}"


def _message(outcome: Outcome) -> str:
    return f": {escape(outcome.message)}" if outcome.message else ""


def _report_lines(report: ApplyReport, style: Style) -> Iterator[str]:
    for status in _GROUPS:
        for outcome in report.outcomes:
            if outcome.status is status:
                yield from _outcome_lines(outcome, style)
    yield from (f"Warning: {escape(warning)}" for warning in report.warnings)
    declared = [o for o in report.outcomes if not o.is_maintenance]
    kept = [o for o in report.outcomes if o.is_maintenance]
    if declared or not kept:
        yield style.paint(_counts_line(declared, report), Tint.BOLD)
    if kept:
        yield f"Maintenance: {_counts(kept)}."
    if report.interrupted:
        yield _NEXT_RUN
    if report.audit_head:
        yield f"Audit head {report.audit_sequence} sha256:{escape(report.audit_head)}"


def _outcome_lines(outcome: Outcome, style: Style) -> Iterator[str]:
    yield outcome_line(outcome, style)
    if outcome.advice:
        yield f"  {escape(outcome.advice)}"


def _counts_line(outcomes: Sequence[Outcome], report: ApplyReport) -> str:
    if not outcomes and not report.interrupted:
        return "Nothing declared was to be applied."
    text = _counts(outcomes)
    return f"{text[0].upper()}{text[1:]}."


def _counts(outcomes: Sequence[Outcome]) -> str:
    """Give `applied 12, failed 1, blocked 0, not attempted 3`."""
    counts = ((s, sum(1 for o in outcomes if o.status is s)) for s in OutcomeStatus)
    return ", ".join(f"{s.value.replace('-', ' ')} {number}" for s, number in counts)


def report_json(report: ApplyReport) -> str:
    """Give the report as JSON, with the exit code and its word."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "run_id": report.run_id,
            "plan_digest": report.plan_digest,
            "outcomes": [_outcome_document(outcome) for outcome in report.outcomes],
            "summary": {s.value.replace("-", "_"): report.count(s) for s in OutcomeStatus},
            "warnings": list(report.warnings),
            "interrupted": report.interrupted,
            "audit": {"sequence": report.audit_sequence, "head": report.audit_head},
            **exit_words(report.exit_code),
        }
    )


def _outcome_document(outcome: Outcome) -> dict[str, object]:
    return {
        "address": outcome.address,
        "actions": list(outcome.actions),
        "status": outcome.status.value,
        "message": outcome.message,
        "advice": outcome.advice,
        "path": outcome.path,
        "sink_version": outcome.sink_version,
        "maintenance": outcome.is_maintenance,
    }
