"""A plan in every form but text: imported by whoever asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.planning.plan import Plan
from reconciler.render.document import plan_json_parts
from reconciler.render.findings_lists import plan_github, plan_gitlab
from reconciler.render.findings_sarif import plan_sarif
from reconciler.render.html import plan_html
from reconciler.render.markdown import plan_markdown

_FOR_PROGRAMS: dict[str, Callable[[Plan], str]] = {
    "sarif": plan_sarif,
    "github": plan_github,
    "gitlab": plan_gitlab,
}


def plan_in_form(plan: Plan, form: str, environments: Sequence[str]) -> Iterable[str]:
    """Write a plan in parts; `environments` name it where it is one of several."""
    match form:
        case "json":
            return plan_json_parts(plan)
        case "markdown":
            return (plan_markdown(plan, environments=environments),)
        case "html":
            return (plan_html(plan, environments=environments),)
        case _:
            return (_FOR_PROGRAMS[form](plan),)
