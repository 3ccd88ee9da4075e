"""A plan in a job: made once, saved, and shown in the forms that a forge takes.

Every form is made from the one saved plan, so that all of them show the same. Where no plan came
out the manifests' problems are shown instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.keyrec_program import Ended, Keyrec, Said
from ci.note import DIGEST, Note, Run, Wanted
from ci.placing import placed

_WHY: dict[int, str] = {
    Ended.INVALID: "the manifests or the configuration are invalid",
    Ended.REFUSED: "a guard refused it",
}
PLAN, MARKDOWN, RESULT = "plan.json", "plan.md", "result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What came out of one plan."""

    code: int
    digest: str = ""
    has_changes: bool = False
    markdown: str = ""
    """A whole comment, or why there is none."""
    said: str = ""
    """What keyrec said beside it."""
    plan_file: str = ""
    """Empty where no plan came out."""

    @property
    def marker(self) -> str:
        """Give the marker of the comment."""
        return Note(number=0, body=self.markdown).marker

    def wanted(self, *, head: str, place: str) -> Wanted:
        """Give what the comment of the request should say."""
        return Wanted(
            text=self.markdown if self.marker else no_plan(self.code, head),
            run=Run(head=head, code=self.code, digest=self.digest, place=place),
            is_quiet=self.code == Ended.DONE and not self.has_changes,
        )


def make_plan(keyrec: Keyrec, out: Path, *more: str) -> Planned:
    """Plan once and save it in the folder `out`."""
    file = out / PLAN
    file.unlink(missing_ok=True)
    told = keyrec("plan", "--detailed-exitcode", "--format", "markdown", "--out", str(file), *more)
    document = _saved(file)
    digest = document.get("digest")
    planned = Planned(
        code=told.code,
        digest=digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else "",
        has_changes=bool(document.get("changes")),
        markdown=told.out,
        said=told.err,
        plan_file=str(file) if document else "",
    )
    (out / MARKDOWN).write_text(planned.markdown, encoding="utf-8")
    return planned


def shown(keyrec: Keyrec, planned: Planned, form: str) -> Said:
    """Give the saved plan in another form; without a plan, the problems of the manifests."""
    if planned.plan_file:
        return keyrec("show", planned.plan_file, "--format", form)
    return keyrec("validate", "--format", form)


def save_shown(keyrec: Keyrec, planned: Planned, form: str, file: Path, folder: str) -> bool:
    """Write a report for a forge, its files named from the repository's root; whether it is one."""
    try:
        document = json.loads(shown(keyrec, planned, form).out)
    except ValueError:
        return False
    file.write_text(json.dumps(placed(document, folder)), encoding="utf-8")
    return True


def no_plan(code: int, head: str) -> str:
    """Say in a comment that its plan is not good any more."""
    why = _WHY.get(code, "keyrec could not make one")
    return (
        f"### keyrec: no plan\n\nCommit `{head[:12]}` has no plan: {why} (exit code {code}). "
        "What stood here before is not what would be applied; the job's log says more."
    )


def _saved(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
