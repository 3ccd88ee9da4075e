"""The same effects that mean more than what was shown are not what was approved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from reconciler.model.review import Acceptance, Finding, Review
from reconciler.model.severity import Severity
from reconciler.model.verdict import Dimension, Shift, assessed
from reconciler.review.approval import unseen

WIDER = assessed(
    (True, "shop/a"), (Shift(dimension=Dimension.SCOPES, gained=("Reviews:operate",)),)
)
FINDING = Finding(
    rule="AK101",
    severity=Severity.HIGH,
    address="shop/a",
    is_key=True,
    workspace="shop",
    message="gains Reviews:operate",
    mend="Grant less.",
)
SHOWN = Review(assessments=(WIDER,), findings=(FINDING,))


def test_what_was_shown_is_what_is_approved() -> None:
    """Nothing new: also where less is gained, or a finding has gone or is accepted now."""
    waiver = Acceptance(name="w", owner="o", expires=date(2027, 1, 31), reason="known", counts=True)
    assert unseen(SHOWN, SHOWN) == ()
    assert unseen(SHOWN, Review(assessments=(replace(WIDER, shifts=()),))) == ()
    assert unseen(SHOWN, replace(SHOWN, findings=(replace(FINDING, waiver=waiver),))) == ()


def test_access_that_was_not_shown_is_said() -> None:
    """In another dimension, of another thing, or with other words."""
    more = Shift(dimension=Dimension.SCOPES, gained=("Credentials:change", "Reviews:operate"))
    assert unseen(SHOWN, replace(SHOWN, assessments=(assessed((True, "shop/a"), (more,)),))) == (
        "shop/a gains scopes: Credentials:change",
    )
    other = replace(WIDER, is_key=False)
    assert len(unseen(SHOWN, replace(SHOWN, assessments=(WIDER, other)))) == 1


def test_a_finding_that_was_not_shown_is_said() -> None:
    """One that the plan brings; what comes with time says nothing about what was approved."""
    new = replace(FINDING, rule="AK220", message="can do what an admin can")
    assert unseen(SHOWN, replace(SHOWN, findings=(FINDING, new))) == (
        "shop/a can do what an admin can (AK220, high)",
    )
    standing = replace(new, is_of_change=False)
    assert unseen(SHOWN, replace(SHOWN, findings=(FINDING, standing))) == ()


def test_the_same_use_in_other_words_was_shown() -> None:
    """A key that is in use is called between review and merge; that it is in use was told. One that
    nobody was seen with, and somebody is now, was not approved.
    """
    used = replace(FINDING, rule="AK110", message="is deactivated, and was last used at noon")
    later = replace(used, message="is deactivated, and was last used an hour later")
    assert unseen(replace(SHOWN, findings=(used,)), replace(SHOWN, findings=(later,))) == ()
    assert len(unseen(SHOWN, replace(SHOWN, findings=(later,)))) == 1


def test_a_plan_that_was_saved_without_a_review_is_compared_by_its_effects() -> None:
    """It showed nothing of what they mean."""
    assert unseen(Review(), SHOWN) == ()


def test_keys_that_a_wider_resource_touches_beside_those_shown_are_said() -> None:
    """A catalogue names those it gives more to; one that came meanwhile was not shown."""
    shift = Shift(dimension=Dimension.SCOPES, gained=("Reviews:operate",))
    shown = assessed((False, "scopes/default"), (shift,), touched=("shop/a", "shop/b"))
    now = replace(shown, touched=("shop/a", "shop/c"))
    assert unseen(Review(assessments=(shown,)), Review(assessments=(now,))) == (
        "scopes/default touches shop/c",
    )
    fewer = replace(shown, touched=("shop/a",))
    assert unseen(Review(assessments=(shown,)), Review(assessments=(fewer,))) == ()
