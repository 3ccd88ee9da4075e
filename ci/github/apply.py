"""The step that applies after the merge."""

from __future__ import annotations

import os
import sys
from typing import Any

from ci.applied import Applied, Refusal, apply
from ci.approval import Asked, approved_digest, the_merged
from ci.github.comments import comments_of, github_api
from ci.github.identity import vault_login
from ci.github.job import Job
from ci.github.log import quoted, remark
from ci.keyrec_program import Ended
from ci.planned import Planned


def main() -> int:
    """Apply what the merged pull request showed, or what a person names."""
    job = Job.read(os.environ)
    if job.is_requests:
        remark("error", "Apply runs after the merge, never in a pull request's own job.")
        return Ended.INVALID
    try:
        with vault_login(job) as login:
            applied = apply(job, lambda plan: _reviewed(job, plan), **login)
    except Refusal as refusal:
        quoted(str(refusal))
        remark("error", str(refusal).partition("\n")[0])
        job.tell(exit_code=str(refusal.code))
        return refusal.code
    return _told(job, applied)


def _told(job: Job, applied: Applied) -> int:
    planned, said = applied.planned, applied.said
    quoted(f"{said.out}\n{said.err}")
    job.tell(
        digest=planned.digest,
        exit_code=str(said.code),
        has_changes=str(planned.has_changes).lower(),
        plan_file=planned.plan_file,
    )
    job.summarise(planned.markdown)
    if said.code != Ended.DONE:
        remark("error", applied.sentence)
    return said.code


def _reviewed(job: Job, planned: Planned) -> str:
    """Give the digest that the comment of the merged pull request shows."""
    commit = job.environ.get("GITHUB_SHA", "")
    found = github_api(job).get(f"/repos/{job.repository}/commits/{commit}/pulls")
    merged = the_merged((each for each in found if _brought(job, each, commit)), commit)
    asked = Asked(marker=planned.marker, place=job.place, head=str(merged["head"]["sha"]))
    return approved_digest(comments_of(job, int(merged["number"])), asked)


def _brought(job: Job, request: dict[str, Any], commit: str) -> bool:
    """Whether merging the pull request made the commit, on the branch that the job is for."""
    into = f"refs/heads/{(request.get('base') or {}).get('ref')}"
    is_merged = bool(request.get("merged_at")) and request.get("merge_commit_sha") == commit
    return is_merged and into == job.environ.get("GITHUB_REF", "")


if __name__ == "__main__":
    sys.exit(main())
