"""An apply in a job: planned, held against what was approved, done.

keyrec itself plans again and compares; what is decided here is only which approval it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ci.approval import NotApproved
from ci.http_api import ApiTrouble, ApiUnusable
from ci.job import Job
from ci.keyrec_program import Ended, Said
from ci.note import DIGEST
from ci.planned import Planned, make_plan, shown

_DIFFERS = (
    "The plan is not the one that was approved, nothing was applied (6): store or manifests "
    "changed since it was reviewed. Look at the plan above; if it is right, run apply by hand "
    "with its digest, {digest}. See docs/how-to/review-on-github.md and review-on-gitlab.md."
)


class Refusal(Exception):
    """Nothing is applied, why, and with which exit code the job ends."""

    def __init__(self, code: int, sentence: str) -> None:
        """Hold both."""
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was planned, and what keyrec said of applying it."""

    planned: Planned
    said: Said

    @property
    def sentence(self) -> str:
        """Say how it ended where that wants explaining."""
        if self.said.code == Ended.DIFFERS:
            return _DIFFERS.format(digest=self.planned.digest)
        return f"keyrec apply ended with {self.said.code}; its words stand in the log."


def apply(job: Job, reviewed: Callable[[Planned], str], **login: str) -> Applied:
    """Apply what was approved; `reviewed` finds the digest of a plan that a merged request shows.

    Raises:
        Refusal: nothing was applied.
    """
    _refuse_our_own_plan(job)
    job.begin()
    planned = make_plan(job.keyrec, job.out, *job.flags)
    if planned.code not in {Ended.DONE, Ended.CHANGES}:
        raise Refusal(planned.code, f"There is no plan to apply.\n{planned.said}")
    approval = _approval(job, planned, reviewed) if planned.has_changes else ()
    return Applied(planned=planned, said=job.keyrec("apply", *job.flags, *approval, **login))


def _refuse_our_own_plan(job: Job) -> None:
    """Refuse an approved plan that would be written over by the one that it has to approve."""
    if job.plan_file and job.plan_file.is_relative_to(job.out.resolve()):
        raise Refusal(
            Ended.INVALID,
            "plan-file lies where this job writes its own plan, which would approve itself. "
            "Nothing was applied (3). Put the approved plan somewhere else.",
        )


def _approval(job: Job, planned: Planned, reviewed: Callable[[Planned], str]) -> tuple[str, ...]:
    if job.plan_file:
        return (str(job.plan_file),)
    digest = job.given("EXPECT_DIGEST") or _found(job, planned, reviewed)
    if not DIGEST.fullmatch(digest):
        raise Refusal(Ended.INVALID, "expect-digest is sha256: and 64 hexadecimal digits.")
    return ("--expect-digest", digest)


def _found(job: Job, planned: Planned, reviewed: Callable[[Planned], str]) -> str:
    try:
        return reviewed(planned)
    except (NotApproved, ApiTrouble, ApiUnusable) as trouble:
        raise Refusal(
            Ended.REFUSED,
            f"Nobody is known to have approved this plan: {trouble}. Nothing was applied (5). Look "
            f"at the plan, and run apply by hand with its digest: {planned.digest}\n"
            f"{shown(job.keyrec, planned, 'text').out}",
        ) from None
