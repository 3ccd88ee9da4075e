"""The job that applies after the merge."""

from __future__ import annotations

import os
import sys

from ci.applied import Applied, Refusal, apply
from ci.approval import Asked, approved_digest, the_merged
from ci.gitlab.job import Job
from ci.gitlab.notes import gitlab_api, notes_of, project_path
from ci.keyrec_program import Ended
from ci.planned import Planned


def main() -> int:
    """Apply what the merged request showed, or what a person names; the job's exit code."""
    job = Job(environ=os.environ)
    if job.request:
        sys.stderr.write("Apply runs after the merge, never in a merge request's own pipeline.\n")
        return Ended.INVALID
    try:
        applied = apply(job, lambda plan: _reviewed(job, plan))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return refusal.code
    return _told(applied)


def _told(applied: Applied) -> int:
    sys.stdout.write(f"{applied.said.out}\n{applied.said.err}\n")
    if applied.said.code != Ended.DONE:
        sys.stderr.write(f"{applied.sentence}\n")
    return applied.said.code


def _reviewed(job: Job, planned: Planned) -> str:
    """Give the digest that the note of the merged request shows."""
    commit, project = job.known("COMMIT_SHA"), job.known("PROJECT_ID")
    path = f"{project_path(project)}/repository/commits/{commit}/merge_requests"
    found = gitlab_api(job).get(path)
    merged = the_merged((each for each in found if _brought(job, each, commit)), commit)
    asked = Asked(marker=planned.marker, place=job.place, head=str(merged["sha"]))
    return approved_digest(notes_of(job, project, str(int(merged["iid"]))), asked)


def _brought(job: Job, request: dict[str, object], commit: str) -> bool:
    """Whether merging the request made the commit, by whichever way, on the job's own branch."""
    names = ("merge_commit_sha", "squash_commit_sha", "sha")
    is_merged = request.get("state") == "merged" and commit in {request.get(n) for n in names}
    return is_merged and request.get("target_branch") == job.known("COMMIT_BRANCH")


if __name__ == "__main__":
    sys.exit(main())
