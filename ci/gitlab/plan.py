"""The job that plans a merge request: note, Code Quality and SARIF reports, a saved plan."""

from __future__ import annotations

import json
import os
import sys

from ci.gitlab.job import Job
from ci.gitlab.notes import notes_of
from ci.http_api import ApiTrouble, ApiUnusable, explained
from ci.keyrec_program import Ended
from ci.note import keep
from ci.planned import Planned, make_plan, save_shown, shown

QUALITY, SARIF = "gl-code-quality-report.json", "keyrec.sarif"
_RIGHT = "KEYREC_GITLAB_TOKEN has to be Reporter at least, with the scope api."


def main() -> int:
    """Plan, or only check the manifests where the job has no rights; the job's exit code."""
    job = Job(environ=os.environ)
    job.begin()
    if job.restriction:
        return _validated(job)
    planned = make_plan(job.keyrec, job.out, *job.flags)
    _say((shown(job.keyrec, planned, "text").out if planned.plan_file else "") + planned.said)
    _report(job, planned)
    if job.request and job.says("COMMENT"):
        _say(_noted(job, planned))
    if planned.code == Ended.CHANGES and not job.says("FAIL_ON_CHANGES"):
        return 0
    return planned.code


def _validated(job: Job) -> int:
    told = job.keyrec("validate")
    _say(f"{told.out}{told.err}")
    _say(
        f"{job.restriction}: the manifests were checked, no plan was made. Whoever may push here "
        "makes one by pushing the branch to this project."
    )
    return told.code


def _report(job: Job, planned: Planned) -> None:
    """Write the reports; without a plan the list of findings is empty, and the job fails anyway."""
    quality = job.out / QUALITY
    if not planned.plan_file or not save_shown(job.keyrec, planned, "gitlab", quality, job.folder):
        quality.write_text(json.dumps([]), encoding="utf-8")
    if job.says("SARIF"):
        save_shown(job.keyrec, planned, "sarif", job.out / SARIF, job.folder)


def _noted(job: Job, planned: Planned) -> str:
    """Keep the note; what was done, or why not. It never fails a plan."""
    if not job.environ.get("KEYREC_GITLAB_TOKEN"):
        return (
            "The plan stands, its note was not written: there is no KEYREC_GITLAB_TOKEN. A job's "
            "own token may not write notes; make a project access token (Reporter, scope api)."
        )
    try:
        notes = notes_of(job, job.known("MERGE_REQUEST_PROJECT_ID"), job.request)
        done = keep(notes, planned.wanted(head=job.head, place=job.place))
    except (ApiTrouble, ApiUnusable) as trouble:
        return f"The plan stands, its note was not written: {explained(trouble, _RIGHT)}"
    return f"The note of the plan: {done}."


def _say(text: str) -> None:
    sys.stdout.write(f"{text.rstrip()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
