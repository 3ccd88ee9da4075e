"""Problems of manifests in the format that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.session import Session
from reconciler.model.source import Problem
from reconciler.render.problems import (
    problems_github,
    problems_json,
    problems_sarif,
    problems_text,
)


def show_problems(session: Session, problems: Sequence[Problem], form: str, *, valid: str) -> None:
    """Write problems as the result; `valid` is what people read where there are none."""
    match form:
        case "json":
            session.show(problems_json(problems))
        case "sarif":
            session.show(problems_sarif(problems))
        case "github":
            session.show(problems_github(problems))
        case _:
            session.show(problems_text(problems, session.style) if problems else valid)
