"""The step that plans: annotations, summary, report for code scanning, a saved plan, outputs.

It ends with 0 where keyrec itself ran, whatever keyrec said: comment and artifact come first, and
`ci.github.verdict` ends the job.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ci.github.job import Job
from ci.github.log import commands, quoted, remark
from ci.keyrec_program import Ended
from ci.placing import placed_commands
from ci.planned import RESULT, Planned, make_plan, save_shown, shown

_TARGET = (
    "keyrec does not plan on pull_request_target: with the rights of the base branch a job would "
    "read what a stranger wrote. Use `on: pull_request`."
)


def main() -> int:
    """Plan, or only check the manifests where the job has no rights."""
    job = Job.read(os.environ)
    if job.event_name == "pull_request_target":
        remark("error", _TARGET)
        return Ended.INVALID
    job.begin()
    planned = _validated(job) if job.restriction else _planned(job)
    sarif = job.out / "keyrec.sarif"
    has_sarif = job.says("SARIF") and save_shown(job.keyrec, planned, "sarif", sarif, job.folder)
    _remember(job, planned)
    job.tell(
        digest=planned.digest,
        exit_code=str(planned.code),
        has_changes=str(planned.has_changes).lower(),
        plan_file=planned.plan_file,
        sarif_file=str(sarif) if has_sarif else "",
    )
    return 0


def _planned(job: Job) -> Planned:
    planned = make_plan(job.keyrec, job.out, *job.flags)
    if planned.plan_file:
        quoted(shown(job.keyrec, planned, "text").out)
    quoted(planned.said)
    commands(placed_commands(shown(job.keyrec, planned, "github").out, job.folder))
    job.summarise(planned.markdown or f"keyrec made no plan (exit code {planned.code}).")
    return planned


def _validated(job: Job) -> Planned:
    """Check what can be checked without rights, and say that it is no more than that."""
    told = job.keyrec("validate", "--format", "github")
    commands(placed_commands(told.out, job.folder))
    quoted(told.err)
    found = "are valid" if told.code == Ended.DONE else "cannot be used as they are"
    sentence = (
        f"{job.restriction}: the manifests were checked and {found}; no plan was made. Whoever may "
        "push here makes one by pushing the branch to this repository."
    )
    remark("notice", sentence)
    job.summarise(f"### keyrec: checked, not planned\n\n{sentence}")
    return Planned(code=told.code)


def _remember(job: Job, planned: Planned) -> None:
    """Leave what the comment's step needs."""
    wanted = planned.wanted(head=job.head, place=job.place)
    document = {
        "text": wanted.text,
        "is_quiet": wanted.is_quiet,
        "code": planned.code,
        "digest": planned.digest,
    }
    Path(job.out / RESULT).write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
