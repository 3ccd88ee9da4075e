"""What differs between an approved plan and the one made now."""

from __future__ import annotations

from dataclasses import replace

from reconciler.planning.plan import Base, Target
from reconciler.render.document import plan_json
from reconciler.render.plan_file import read_plan
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import plan_difference_text
from tests.render.conftest import Golden
from tests.render.samples import plans

PLANS = plans()


def test_every_way_to_differ_is_shown(golden: Golden):
    """Only approved, only now, other fields, other secret, another state in the store."""
    update, rotate = PLANS["update"].changes[0], PLANS["rotate"].changes[0]
    moved = replace(
        rotate,
        base=Base(record_version=8, fingerprint="f" * 64),
        fields=(*rotate.fields, *update.fields[:1]),
    )
    policy, workspace, *others = PLANS["resources"].changes
    stricter = replace(workspace, fields=workspace.fields[:1])
    approved = replace(PLANS["update"], changes=(policy, workspace, update))
    now = replace(PLANS["update"], changes=(stricter, *others, moved))
    golden("difference.txt", plan_difference_text(approved, now, PLAIN))


def test_another_manager_store_or_sink_is_named():
    """An approval holds for one store and one sink."""
    approved = PLANS["create"]
    now = replace(approved, manager="web", target=Target(store_id="store-2", sink_id="vault:1"))
    assert plan_difference_text(approved, now, PLAIN).splitlines()[:3] == [
        "! another manager: approved for platform-keys, now web",
        "! another store: approved for store-1, now store-2",
        "! another sink: approved for age:sink-1, now vault:1",
    ]


def test_another_adoption_is_named():
    """Whose the key was, and which version of a stranger goes."""
    both, version = PLANS["adopt-both"], PLANS["adopt-version"]
    shown = plan_difference_text(both, version, PLAIN)
    assert "    manager until now: approved web, now (none)\n" in shown
    secret = version.changes[0].secret
    assert secret is not None
    other = replace(version.changes[0], secret=replace(secret, adopts=8))
    shown = plan_difference_text(version, replace(version, changes=(other,)), PLAIN)
    assert "    version that is written over: approved 7, now 8\n" in shown


def test_equal_plans_differ_in_nothing():
    """Also where one of them comes from a file."""
    again = read_plan(plan_json(PLANS["update"]), name="plan.json")
    assert plan_difference_text(again, PLANS["update"], PLAIN) == "Both plans declare the same.\n"


def test_another_order_is_named():
    """Different digests never give an empty difference."""
    changes = PLANS["resources"].changes
    now = replace(PLANS["resources"], changes=changes[::-1])
    shown = plan_difference_text(PLANS["resources"], now, PLAIN)
    assert shown.startswith("The changes are the same, in another order.\n")


def test_a_key_named_like_a_resource_is_not_taken_for_it():
    """`policy/default` may be a workspace and a key."""
    resource = PLANS["resources"].changes[0]
    key = replace(PLANS["create"].changes[0], address=resource.address)
    both = replace(PLANS["resources"], changes=(resource, key))
    shown = plan_difference_text(both, replace(both, changes=(resource,)), PLAIN)
    assert shown.startswith("- only approved: policy/default (create)\n")


def test_colour_only_adds_to_the_signs():
    """Signs and words stand without it."""
    one, other = PLANS["create"], PLANS["no-changes"]
    assert "- only approved: " in plan_difference_text(one, other, Style(color=True))
    assert "+ only now: " in plan_difference_text(other, one, PLAIN)
