"""The step that keeps the pull request's comment; what it cannot do it says, and fails no plan."""

from __future__ import annotations

import json
import os
import sys

from ci.github.comments import Comments, github_api
from ci.github.job import Job
from ci.github.log import remark
from ci.http_api import ApiTrouble, ApiUnusable
from ci.note import Run, Wanted, keep
from ci.planned import RESULT

DENIED = {401, 403, 404}


def main() -> int:
    """Bring the comment up to date."""
    job = Job.read(os.environ)
    number = job.request.get("number")
    if job.restriction or not isinstance(number, int):
        why = job.restriction or "This job belongs to no pull request"
        remark("notice", f"{why}: there is no comment to write.")
        return 0
    try:
        comments = Comments(
            api=github_api(job.environ),
            repository=job.repository,
            number=number,
            author=job.given("COMMENT_AUTHOR", "github-actions[bot]"),
        )
        remark("notice", f"The comment of the plan: {keep(comments, _wanted(job))}.")
    except (ApiTrouble, ApiUnusable) as trouble:
        remark("warning", f"The plan stands, its comment was not written: {_why(trouble)}")
    return 0


def _wanted(job: Job) -> Wanted:
    told = json.loads((job.out / RESULT).read_text(encoding="utf-8"))
    run = Run(head=job.head, code=told["code"], digest=told["digest"], place=job.place)
    return Wanted(text=told["text"], run=run, is_quiet=told["is_quiet"])


def _why(trouble: ApiTrouble | ApiUnusable) -> str:
    if isinstance(trouble, ApiTrouble) and trouble.status in DENIED:
        return (
            f"{trouble}. The job's token has no right to comment; give the job "
            "`permissions: pull-requests: write`, or the action `comment: false`."
        )
    return f"{trouble}."


if __name__ == "__main__":
    sys.exit(main())
