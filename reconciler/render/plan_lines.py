"""The end of a plan on a terminal: what it counts, what stands against it, what it is bound to.

Compatibility: scripts look for `Plan: `, `No changes.`, `Maintenance: ` and `Digest: ` at the
start of a line; these words stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.model.source import Revision
from reconciler.planning.actions import Action
from reconciler.planning.plan import Plan, Refusal
from reconciler.render.maintenance_lines import item_lines, maintenance_line
from reconciler.render.problems import problem_lines, problems_count
from reconciler.render.review_words import rule_words
from reconciler.render.style import Style, Tint, escape
from reconciler.render.words import SHORT_COMMIT, counted

COUNTED = (
    Action.CREATE,
    Action.UPDATE,
    Action.ROTATE,
    Action.ACTIVATE,
    Action.DEACTIVATE,
    Action.REISSUE,
    Action.RENAME,
    Action.REMOVE,
)
"""In the order of showing; a rarer action is counted where it happens."""


def summary_lines(plan: Plan, style: Style, *, verbose: bool) -> Iterator[str]:
    """Give what is counted: changes, maintenance, keys of others, remarks."""
    if plan.selection:
        flags = " ".join(escape(flag) for flag in plan.selection)
        yield f"Partial plan: {flags}; nothing else was looked at."
    yield style.paint(counts_line(plan), Tint.BOLD)
    if plan.maintenance:
        yield maintenance_line(plan.maintenance)
        yield from item_lines(plan.maintenance) if verbose else ()
    yield from _unmanaged_lines(plan, verbose=verbose)
    yield from (f"Note: {escape(note)}" for note in plan.notes)


def counts_line(plan: Plan) -> str:
    """Count the changes: `Plan: …` or `No changes. 414 keys match.`"""
    if not plan.changes and plan.is_applyable:
        verb = "matches" if plan.unchanged == 1 else "match"
        return f"No changes. {counted(plan.unchanged, 'key')} {verb}."
    words = plan.summary
    shown = (a for a in Action if a in COUNTED or words.get(a.value))
    ordered = sorted(shown, key=lambda a: COUNTED.index(a) if a in COUNTED else len(COUNTED))
    counts = ", ".join(f"{words.get(a.value, 0)} to {a.value}" for a in ordered)
    return f"Plan: {counts}; {plan.unchanged} unchanged.{_resource_counts(plan)}"


def short_counts_line(plan: Plan) -> str:
    """Count what there is, for a page that has no room for zeros."""
    if not plan.changes and plan.is_applyable:
        return counts_line(plan)
    words = plan.summary
    counts = ", ".join(f"{words[a.value]} to {a.value}" for a in Action if words.get(a.value))
    keys = f"Keys: {counts}." if counts else "No key changes."
    return f"{keys}{_resource_counts(plan)} {plan.unchanged} unchanged."


def _resource_counts(plan: Plan) -> str:
    actions = Counter(a for c in plan.changes if not c.is_key for a in c.actions)
    if not actions:
        return ""
    counts = ", ".join(f"{actions[a]} to {a.value}" for a in Action if actions[a])
    return f" Beside keys: {counts}."


def _unmanaged_lines(plan: Plan, *, verbose: bool) -> Iterator[str]:
    if not plan.unmanaged:
        return
    verb = "is" if len(plan.unmanaged) == 1 else "are"
    yield f"Unmanaged: {counted(len(plan.unmanaged), 'key')} of other owners {verb} left alone."
    for other in plan.unmanaged if verbose else ():
        owner = "nobody's" if other.manager is None else f"managed by {escape(other.manager)}"
        yield f"  {escape(other.address)} ({owner})"


def refusal_lines(plan: Plan, style: Style) -> Iterator[str]:
    """Give what stands against applying the plan: manifests at fault, then refusals."""
    if plan.problems:
        yield ""
        for problem in sorted(plan.problems):
            yield from problem_lines(problem, style)
        yield problems_count(plan.problems)
    for refusal in plan.refusals:
        yield ""
        yield from _refusal_lines(refusal, style)


def _refusal_lines(refusal: Refusal, style: Style) -> Iterator[str]:
    place = "" if refusal.source is None else f"{escape(str(refusal.source))}: "
    word = style.paint("refused", Tint.RED, Tint.BOLD)
    yield f"{place}{word}: {escape(refusal.message)}{rule_words(refusal.code)}"
    if refusal.advice:
        yield f"  mend: {escape(refusal.advice)}"


def bound_lines(plan: Plan) -> Iterator[str]:
    """Give what the plan was made from, and its digest on a line of its own."""
    yield f"Source: {_revision_text(plan.revision)}"
    yield f"Digest: {plan.digest}"


def _revision_text(revision: Revision) -> str:
    if revision.commit is None:
        return "working tree"
    commit = escape(revision.commit[:SHORT_COMMIT])
    return f"working tree, dirty, over commit {commit}" if revision.dirty else f"commit {commit}"
