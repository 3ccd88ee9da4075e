"""An apply in a job: planned, held against what was approved, done.

keyrec itself plans again and compares; what is decided here is only which approval it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ci.approval import NotApproved
from ci.http_api import ApiTrouble, ApiUnusable
from ci.keyrec_program import Ended, Keyrec, Said
from ci.note import DIGEST
from ci.planned import Planned, make_plan

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
class Terms:
    """What the one who started the job said."""

    digest: str = ""
    plan_file: str = ""
    removals: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Give what plan and apply are told."""
        return ("--allow-removals", self.removals) if self.removals else ()


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


def apply(
    keyrec: Keyrec, out: Path, terms: Terms, reviewed: Callable[[Planned], str], **login: str
) -> Applied:
    """Apply what was approved; `reviewed` finds the digest of a plan that a merged request shows.

    Raises:
        Refusal: nothing was applied.
    """
    planned = make_plan(keyrec, out, *terms.flags)
    if planned.code not in {Ended.DONE, Ended.CHANGES}:
        raise Refusal(planned.code, f"There is no plan to apply.\n{planned.said}")
    approval = _approval(planned, terms, reviewed) if planned.has_changes else ()
    return Applied(planned=planned, said=keyrec("apply", *terms.flags, *approval, **login))


def _approval(
    planned: Planned, terms: Terms, reviewed: Callable[[Planned], str]
) -> tuple[str, ...]:
    if terms.plan_file:
        return (str(Path(terms.plan_file).resolve()),)
    digest = terms.digest or _found(planned, reviewed)
    if not DIGEST.fullmatch(digest):
        raise Refusal(Ended.INVALID, "expect-digest is sha256: and 64 hexadecimal digits.")
    return ("--expect-digest", digest)


def _found(planned: Planned, reviewed: Callable[[Planned], str]) -> str:
    try:
        return reviewed(planned)
    except (NotApproved, ApiTrouble, ApiUnusable) as trouble:
        raise Refusal(
            Ended.REFUSED,
            f"Nobody is known to have approved this plan: {trouble}. Nothing was applied (5). Look "
            f"at the plan, and run apply by hand with its digest: {planned.digest}",
        ) from None
