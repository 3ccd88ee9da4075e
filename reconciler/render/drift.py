"""What was changed outside, by key, with the way out. No value is ever shown."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.apply.looking import Comparison
from reconciler.errors import ExitCode
from reconciler.planning.drift import Drift
from reconciler.planning.drift_words import NOT_COMPARED_WORDS, drift_advice, drift_message
from reconciler.render.json_form import FORMAT_VERSION, exit_words, json_text
from reconciler.render.style import Style, Tint, escape, joined
from reconciler.render.words import counted


def drift_text(comparison: Comparison, style: Style, *, verbose: bool = False) -> str:
    """Show what was found; `verbose` lists the keys that were left out too."""
    return joined(_lines(comparison, style, verbose=verbose))


def _lines(comparison: Comparison, style: Style, *, verbose: bool) -> Iterator[str]:
    for drift in comparison.drifts:
        yield f"{style.paint(drift.kind.value, Tint.RED)}  {escape(drift.address)}"
        yield f"  {escape(drift_message(drift))}"
        yield f"  {escape(drift_advice(drift))}"
    for unseen in comparison.unseen:
        yield f"{style.paint('not looked at', Tint.YELLOW)}  {escape(unseen.address)}"
        yield f"  {escape(unseen.path)}: {escape(unseen.error.message)}"
        if unseen.error.advice:
            yield f"  {escape(unseen.error.advice)}"
    for left in comparison.left_out if verbose else ():
        words = NOT_COMPARED_WORDS[left.why]
        yield f"{style.paint('left out', Tint.DIM)}  {escape(left.address)}: {words}"
    yield _summary(comparison, style)


def _summary(comparison: Comparison, style: Style) -> str:
    number = len(comparison.drifts)
    verdict = style.paint(f"Drift: {number}.", Tint.BOLD) if number else "No drift."
    by_number = comparison.compared - comparison.proven
    parts = (
        f"{counted(comparison.compared, 'key')} compared",
        f"{counted(comparison.proven, 'value')} proven" if comparison.proven else "",
        f"{by_number} by version number alone" if by_number else "",
        f"{len(comparison.unseen)} not looked at" if comparison.unseen else "",
        f"{len(comparison.left_out)} left out" if comparison.left_out else "",
    )
    return f"{verdict} {', '.join(part for part in parts if part)}."


def drift_json(comparison: Comparison, code: ExitCode) -> str:
    """Give the same as JSON, with the exit code and its word."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "drift": [drift_document(drift) for drift in comparison.drifts],
            "not_looked_at": [
                {
                    "address": unseen.address,
                    "path": unseen.path,
                    "message": unseen.error.message,
                    "advice": unseen.error.advice,
                }
                for unseen in comparison.unseen
            ],
            "left_out": [
                {"address": left.address, "reason": left.why.value} for left in comparison.left_out
            ],
            "compared": comparison.compared,
            "proven": comparison.proven,
            **exit_words(code),
        }
    )


def drift_document(drift: Drift) -> dict[str, object]:
    """Give one difference as plain values."""
    return {
        "address": drift.address,
        "workspace": drift.workspace,
        "key_id": drift.key_id,
        "kind": drift.kind.value,
        "path": drift.path,
        "recorded_version": drift.recorded,
        "seen_version": drift.seen,
        "holding": drift.holding.value,
        "repair": None if drift.repair is None else drift.repair.value,
        "message": drift_message(drift),
        "advice": drift_advice(drift),
    }
