"""The step that applies after the merge."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ci.applied import Applied, Refusal, Terms, apply
from ci.approval import Asked, NotApproved, approved_digest
from ci.github.comments import Comments, github_api
from ci.github.identity import vault_login
from ci.github.job import Job
from ci.github.log import quoted, remark
from ci.keyrec_program import Ended
from ci.planned import Planned


def main() -> int:
    """Apply what the merged pull request showed, or what a person names."""
    job = Job.read(os.environ)
    if job.request:
        remark("error", "Apply runs after the merge, never in a pull request's own job.")
        return Ended.INVALID
    terms = Terms(
        digest=job.given("EXPECT_DIGEST"),
        plan_file=_plan_file(job),
        removals=job.given("ALLOW_REMOVALS"),
    )
    try:
        with vault_login(job) as login:
            applied = apply(job.keyrec, job.out, terms, lambda plan: _reviewed(job, plan), **login)
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
    api, commit = github_api(job.environ), job.environ.get("GITHUB_SHA", "")
    found = api.get(f"/repos/{job.repository}/commits/{commit}/pulls")
    merged = [p for p in found if p.get("merged_at") and p.get("merge_commit_sha") == commit]
    if len(merged) != 1:
        raise NotApproved(f"the commit {commit[:12]} is not the merge of one pull request")
    comments = Comments(
        api=api,
        repository=job.repository,
        number=int(merged[0]["number"]),
        author=job.given("COMMENT_AUTHOR", "github-actions[bot]"),
    )
    head = str(merged[0]["head"]["sha"])
    return approved_digest(comments, Asked(marker=planned.marker, place=job.place, head=head))


def _plan_file(job: Job) -> str:
    given = job.given("PLAN_FILE")
    return str(Path(job.environ.get("GITHUB_WORKSPACE", ".")) / given) if given else ""


if __name__ == "__main__":
    sys.exit(main())
