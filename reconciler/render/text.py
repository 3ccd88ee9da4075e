"""A plan, the report of its apply, and the difference of two plans, as plain stable lines.

The same plan gives the same lines wherever they go: nothing is wrapped, cut or laid out by the
terminal. Every text ends with a line break, except the one line of a single outcome.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.planning.plan import Plan
from reconciler.render.change_lines import changes_lines
from reconciler.render.difference import plan_difference_text
from reconciler.render.plan_lines import bound_lines, refusal_lines, summary_lines
from reconciler.render.report import outcome_line, report_text
from reconciler.render.review_lines import findings_lines
from reconciler.render.reviewed import reviewed
from reconciler.render.style import Style, line_parts

__all__ = ["outcome_line", "plan_difference_text", "plan_text", "plan_text_parts", "report_text"]


def plan_text(plan: Plan, style: Style, *, verbose: bool = False) -> str:
    """Show what apply would do; `verbose` lists maintenance and keys of others one by one."""
    return "".join(plan_text_parts(plan, style, verbose=verbose))


def plan_text_parts(plan: Plan, style: Style, *, verbose: bool = False) -> Iterator[str]:
    """Give what `plan_text` shows, many lines at a time."""
    return line_parts(_plan_lines(plan, style, verbose=verbose))


def _plan_lines(plan: Plan, style: Style, *, verbose: bool) -> Iterator[str]:
    seen = reviewed(plan)
    yield from changes_lines(seen.changes, plan.now, style)
    if plan.changes:
        yield ""
    yield from summary_lines(plan, style, verbose=verbose)
    if plan.review.findings and (plan.changes or verbose):
        yield from findings_lines(seen, style, verbose=verbose)
    yield from refusal_lines(plan, style)
    if plan.changes or not plan.is_applyable:
        yield ""
        yield from bound_lines(plan)
