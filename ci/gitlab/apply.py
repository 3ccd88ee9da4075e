"""The job that applies after the merge."""

from __future__ import annotations

import os
import sys

from ci.applied import Applied, Refusal, Terms, apply
from ci.approval import Asked, NotApproved, approved_digest
from ci.gitlab.job import Job
from ci.gitlab.notes import MergeNotes, gitlab_api, project_path
from ci.keyrec_program import Ended
from ci.planned import Planned


def main() -> int:
    """Apply what the merged request showed, or what a person names; the job's exit code."""
    job = Job(environ=os.environ)
    if job.request:
        sys.stderr.write("Apply runs after the merge, never in a merge request's own pipeline.\n")
        return Ended.INVALID
    terms = Terms(
        digest=job.given("EXPECT_DIGEST"),
        plan_file=_plan_file(job),
        removals=job.given("ALLOW_REMOVALS"),
    )
    try:
        applied = apply(job.keyrec, job.out, terms, lambda plan: _reviewed(job, plan))
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
    api, commit, project = gitlab_api(job.environ), job.known("COMMIT_SHA"), job.known("PROJECT_ID")
    found = api.get(f"{project_path(project)}/repository/commits/{commit}/merge_requests")
    merged = [m for m in found if m.get("state") == "merged" and _brought(m, commit)]
    if len(merged) != 1:
        raise NotApproved(f"the commit {commit[:12]} is not the merge of one merge request")
    notes = MergeNotes(api=api, project=project, number=str(int(merged[0]["iid"])))
    head = str(merged[0]["sha"])
    return approved_digest(notes, Asked(marker=planned.marker, place=job.place, head=head))


def _brought(request: dict[str, object], commit: str) -> bool:
    """Whether the commit is the one that merging the request made, by whichever way."""
    names = ("merge_commit_sha", "squash_commit_sha", "sha")
    return commit in {request.get(name) for name in names}


def _plan_file(job: Job) -> str:
    given = job.given("PLAN_FILE")
    return str(job.root / given) if given else ""


if __name__ == "__main__":
    sys.exit(main())
