"""Reviews made by hand: what no planner gives at once, for every form to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from reconciler.model.review import Acceptance, Finding, Review
from reconciler.model.severity import Severity
from reconciler.model.verdict import Assessment, Dimension, Shift, Verdict
from reconciler.planning.plan import Change, Plan
from tests.render.samples import SOURCE, plans

BASE = plans()["update"]
STORED = Acceptance(
    name="partner",
    owner="team-y",
    expires=date(2027, 1, 31),
    reason="The partner has no fixed addresses",
    counts=True,
)
COMING = replace(STORED, counts=False)


def finding(message: str, **changed: Any) -> Finding:
    """Give a finding of a key, or one with something changed."""
    found = Finding(
        rule="AK103",
        severity=Severity.HIGH,
        address="a/one",
        is_key=True,
        workspace="a",
        message=message,
        mend="Mend `it`.",
        source=SOURCE,
    )
    return replace(found, **changed)


def changed(address: str, *, is_key: bool = True) -> Change:
    """Give a change of a thing."""
    return replace(BASE.changes[0], address=address, is_key=is_key, fields=())


def widened(address: str, *gained: str, is_key: bool = True, **more: Any) -> Assessment:
    """Give the assessment of a change that gives access."""
    return Assessment(
        address=address,
        is_key=is_key,
        verdict=Verdict.WIDEN,
        shifts=(Shift(dimension=Dimension.ORIGINS, gained=gained),),
        **more,
    )


def neutral(address: str) -> Assessment:
    """Give the assessment of a change that does nothing to access."""
    return Assessment(address=address, is_key=True, verdict=Verdict.NEUTRAL)


def plan_of(
    changes: Sequence[Change],
    assessments: Sequence[Assessment] = (),
    findings: Sequence[Finding] = (),
) -> Plan:
    """Give a plan with exactly this review."""
    review = Review(assessments=tuple(assessments), findings=tuple(findings))
    return replace(BASE, changes=tuple(changes), review=review)


def everything() -> Plan:
    """Give a plan with one of each: a waiver that counts and one that does not, what was so before,
    what is elsewhere, a quiet change, a key and a resource of one address.
    """
    every = tuple(Shift(dimension=d, gained=("more",), lost=("less",)) for d in Dimension)
    one = widened(
        "a/one", afterwards="Reviews:read from everywhere", touched=("a/b",), disruptions=("soon",)
    )
    return plan_of(
        [
            changed("network/x"),
            changed("a/one"),
            changed("network/x", is_key=False),
            changed("a/quiet"),
        ],
        [
            neutral("network/x"),
            replace(one, verdict=Verdict.MIXED, shifts=every),
            widened("network/x", "everywhere", is_key=False),
            neutral("a/quiet"),
        ],
        [
            finding("brought and accepted", waiver=STORED),
            finding("brought with a coming waiver", waiver=COMING, severity=Severity.CRITICAL),
            finding("stood before", is_of_change=False, severity=Severity.LOW),
            finding("of the key", address="network/x", severity=Severity.LOW),
            finding("of the network", address="network/x", is_key=False, workspace=None),
            finding("quietly brought", address="a/quiet", severity=Severity.LOW),
            finding(
                "quietly before", address="a/quiet", severity=Severity.INFO, is_of_change=False
            ),
            finding("elsewhere", address="a/other", is_of_change=False, waiver=STORED),
        ],
    )
