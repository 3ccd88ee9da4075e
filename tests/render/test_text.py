"""A plan on a terminal."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from reconciler.planning.plan import FieldChange, Refusal, SecretEffect
from reconciler.render.field_lines import field_lines
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import plan_text
from tests.render.conftest import Golden
from tests.render.samples import planned, plans

PLANS = plans()


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_of_each_kind_looks_as_it_was_approved(name: str, golden: Golden):
    """One golden text for each kind of change, as short and as long as it gets."""
    golden(f"plan-{name}.txt", plan_text(PLANS[name], PLAIN))


@pytest.mark.parametrize("name", ["maintenance", "maintenance-all", "unmanaged", "unmanaged-one"])
def test_a_verbose_plan_lists_what_is_else_counted(name: str, golden: Golden):
    """Maintenance and keys of others, one by one."""
    golden(f"plan-{name}.verbose.txt", plan_text(PLANS[name], PLAIN, verbose=True))


def test_where_nothing_is_counted_a_verbose_plan_says_the_same():
    """Changes are always listed."""
    assert plan_text(PLANS["update"], PLAIN, verbose=True) == plan_text(PLANS["update"], PLAIN)


@pytest.mark.parametrize("name", PLANS)
def test_without_its_colours_a_painted_plan_is_the_plain_one(name: str):
    """Colour is never the only signal."""
    painted = plan_text(PLANS[name], Style(color=True, width=40))
    assert re.sub(r"\x1b\[[0-9;]+m", "", painted) == plan_text(PLANS[name], PLAIN)


def test_a_narrow_terminal_changes_nothing():
    """Lines are stable wherever they go."""
    plan = PLANS["update"]
    assert plan_text(plan, Style(width=20)) == plan_text(plan, PLAIN)


def test_nothing_to_do_is_said_in_one_line():
    """What scripts and people look for after an apply."""
    assert plan_text(PLANS["no-changes-many"], PLAIN) == "No changes. 414 keys match.\n"


def test_an_invalid_plan_without_changes_does_not_say_that_all_is_well():
    """`No changes.` is only said where an apply would do nothing and succeed."""
    stopped = replace(PLANS["invalid"], changes=())
    assert "No changes." not in plan_text(stopped, PLAIN)


def test_the_digest_stands_alone_on_its_line():
    """It can be found with grep and pasted into --expect-digest."""
    plan = PLANS["create"]
    assert plan_text(plan, PLAIN).splitlines()[-1] == f"Digest: {plan.digest}"


@pytest.mark.parametrize(("overlap", "year"), [("0m", 2026), ("soon", 2026), ("1d", 9999)])
def test_an_overlap_that_ends_at_no_instant_is_shown_as_it_is(overlap: str, year: int):
    """A saved plan may hold any text and any time there."""
    plan = replace(PLANS["rotate"], now=datetime(year, 12, 31, 12, tzinfo=timezone.utc))
    secret = SecretEffect(path="p", from_version=3, previous_works_for=overlap)
    shown = plan_text(replace(plan, changes=(replace(plan.changes[0], secret=secret),)), PLAIN)
    assert f"previous secret works for {overlap}\n" in shown


def test_a_rotation_without_a_previous_secret_promises_none():
    """Nothing works on that never was."""
    plan = PLANS["rotate"]
    secret = SecretEffect(path="p", from_version=None, previous_works_for="1d")
    shown = plan_text(replace(plan, changes=(replace(plan.changes[0], secret=secret),)), PLAIN)
    assert "previous secret" not in shown


def test_an_empty_plan_renders():
    """A first run on an empty store has nothing to say but this."""
    assert plan_text(planned(), PLAIN) == "No changes. 0 keys match.\n"


def test_a_refusal_without_place_or_advice_is_one_line():
    """Nothing is made up."""
    refusal = Refusal(code="no", message="not today", advice="")
    shown = plan_text(replace(PLANS["no-changes"], refusals=(refusal,)), PLAIN)
    assert "\nrefused: not today\n\n" in shown


def test_what_stays_in_a_mapping_is_not_shown():
    """Only what comes, goes or changes."""
    change = FieldChange(name="labels", before={"a": "1", "b": "2"}, after={"a": "1", "b": "3"})
    assert list(field_lines(change, is_one_sided=False)) == ["b: 2 → 3"]


def test_a_list_that_is_only_reordered_shows_both_orders():
    """A change is never shown as nothing."""
    change = FieldChange(name="admins", before=["a", "b"], after=["b", "a"])
    assert list(field_lines(change, is_one_sided=False)) == ["[a, b] → [b, a]"]
