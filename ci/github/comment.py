"""The step that keeps the pull request's comment; what it cannot do it says, and fails no plan."""

from __future__ import annotations

import json
import os
import sys

from ci.github.comments import comments_of
from ci.github.job import Job
from ci.github.log import remark
from ci.http_api import ApiTrouble, ApiUnusable, explained
from ci.note import Run, Wanted, keep
from ci.planned import RESULT

_RIGHT = (
    "The job's token has no right to comment; give the job `permissions: pull-requests: write`, "
    "or the action `comment: false`."
)


def main() -> int:
    """Bring the comment up to date."""
    job = Job.read(os.environ)
    number = job.request.get("number")
    if job.restriction or not isinstance(number, int):
        why = job.restriction or "This job belongs to no pull request"
        remark("notice", f"{why}: there is no comment to write.")
        return 0
    try:
        done = keep(comments_of(job, number), _wanted(job))
        remark("notice", f"The comment of the plan: {done}.")
    except (ApiTrouble, ApiUnusable) as trouble:
        why = explained(trouble, _RIGHT)
        remark("warning", f"The plan stands, its comment was not written: {why}")
    return 0


def _wanted(job: Job) -> Wanted:
    told = json.loads((job.out / RESULT).read_text(encoding="utf-8"))
    run = Run(head=job.head, code=told["code"], digest=told["digest"], place=job.place)
    return Wanted(text=told["text"], run=run, is_quiet=told["is_quiet"])


if __name__ == "__main__":
    sys.exit(main())
