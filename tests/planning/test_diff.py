"""Which fields differ, in the words of the manifest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.keys import KeyFields, Rotation, fields_document
from reconciler.model.lifetime import Expiration, Retirement
from reconciler.model.policy import ReviewPolicy
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.model.severity import Severity
from reconciler.model.workspaces import NetworkSet
from reconciler.planning.diff import (
    FIELD_NAMES,
    FieldsDiff,
    diff_bodies,
    diff_fields,
    field_change,
)
from reconciler.planning.plan import FieldChange
from tests.fakes.world import PAYMENTS, policy, spec
from tests.planning.records import DAY, HOUR

PLAIN = KeyFields(environment="prod", sink_path="payments/prod/a")
WHEN_UNUSED = Rotation(retire=Retirement.WHEN_UNUSED)
READ = ScopeGrant(resource="Reviews", level="read")


def names(before: KeyFields | None, after: KeyFields | None) -> list[str]:
    """Give which fields differ, in the order of showing."""
    return [change.name for change in diff_fields(before, after)]


def test_every_stored_field_has_a_name_that_people_know() -> None:
    """No difference can be lost between the stored form and the plan."""
    full = replace(PLAIN, rotation=WHEN_UNUSED)
    document = fields_document(full)
    assert isinstance(document, dict)
    assert set(FIELD_NAMES) == set(document)


CHANGED: dict[str, KeyFields] = {
    "environment": replace(PLAIN, environment="test"),
    "secret.path": replace(PLAIN, sink_path="payments/other"),
    "scopes": replace(PLAIN, scopes=(READ,)),
    "allowlist": replace(PLAIN, allowlist=("203.0.113.7",), ranges=("203.0.113.7/32",)),
    "allowlist (resolved)": replace(PLAIN, ranges=("203.0.113.7/32",)),
    "expiration": replace(PLAIN, expiration=Expiration.DAY),
    "active": replace(PLAIN, active=False),
    "protected": replace(PLAIN, protected=True),
    "rotation.generation": spec("a", generation=2).fields,
    "rotation.every": spec("a", every=30 * DAY).fields,
    "rotation.overlap": spec("a", overlap=HOUR).fields,
    "rotation.retire": replace(spec("a").fields, rotation=WHEN_UNUSED),
    "reissue": replace(PLAIN, reissue=2),
    "owner": replace(PLAIN, owner="team"),
    "description": replace(PLAIN, description="what for"),
    "labels": replace(PLAIN, labels=(("system", "billing"),)),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_field_is_named_alone(name: str) -> None:
    """One field, one line."""
    before = spec("a").fields if name.startswith("rotation") else PLAIN
    assert names(before, CHANGED[name]) == [name]
    assert names(CHANGED[name], before) == [name]


def test_equal_fields_give_no_change() -> None:
    """Nothing differs from itself."""
    assert diff_fields(PLAIN, PLAIN) == ()
    assert diff_fields(None, None) == ()


def test_a_new_key_shows_what_is_not_its_empty_default() -> None:
    """The defaults of a plain key are not worth a line; what is declared is."""
    assert names(None, PLAIN) == ["environment", "secret.path", "expiration"]
    everything = replace(
        PLAIN, active=False, protected=True, reissue=2, scopes=(READ,), labels=(("a", "b"),)
    )
    assert names(None, everything) == [
        "environment",
        "secret.path",
        "scopes",
        "expiration",
        "active",
        "protected",
        "reissue",
        "labels",
    ]


def test_an_ended_key_shows_what_it_had() -> None:
    """The removal names the rights that go."""
    before = replace(PLAIN, scopes=(READ,), owner="team")
    changes = {c.name: c for c in diff_fields(before, None)}
    assert changes["scopes"].removed == ("Reviews: read",)
    assert (changes["owner"].before, changes["owner"].after) == ("team", None)
    assert "labels" not in changes


def test_members_of_lists_and_mappings_are_told_as_come_and_gone() -> None:
    """A reviewer reads members; a scalar has none."""
    assert field_change("x", ["a", "b"], ["b", "c"]) == FieldChange(
        name="x", before=["a", "b"], after=["b", "c"], added=("c",), removed=("a",)
    )
    assert field_change("x", {"Reviews": "read"}, {"Reviews": "operate"}).added == (
        "Reviews: operate",
    )
    assert field_change("x", "a", None).removed == ()


def test_resolved_ranges_are_left_out_where_the_entries_say_the_same() -> None:
    """Plain addresses are not shown twice."""
    before = replace(PLAIN, allowlist=("203.0.113.7",), ranges=("203.0.113.7/32",))
    after = replace(PLAIN, allowlist=("203.0.113.8",), ranges=("203.0.113.8/32",))
    assert names(before, after) == ["allowlist"]


@pytest.mark.parametrize(
    "entries",
    [
        (("10.0.0.1",), ("10.0.0.1", "network:ci")),
        (("10.0.0.1", "network:ci"), ("10.0.0.2", "network:ci")),
        (("network:ci",), ("10.0.0.1",)),
    ],
)
def test_resolved_ranges_stay_where_an_entry_names_a_network(
    entries: tuple[tuple[str, ...], tuple[str, ...]],
) -> None:
    """The network's ranges may have changed beside the entries; review and digest must see it."""
    before = replace(PLAIN, allowlist=entries[0], ranges=("10.0.0.1/32",))
    after = replace(PLAIN, allowlist=entries[1], ranges=("0.0.0.0/0",))
    assert names(before, after) == ["allowlist", "allowlist (resolved)"]


def test_a_network_that_grew_is_seen_at_the_key_although_its_entries_stay() -> None:
    """Nobody edited the key, and still it is reached from more places."""
    before = replace(PLAIN, allowlist=("network:ci",), ranges=("10.0.0.0/24",))
    after = replace(before, ranges=("10.0.0.0/8",))
    (change,) = diff_fields(before, after)
    assert (change.name, change.added) == ("allowlist (resolved)", ("10.0.0.0/8",))


def test_a_policy_is_compared_leaf_by_leaf() -> None:
    """Dotted names lead to the changed leaf."""
    (change,) = diff_bodies(policy(), policy(review=ReviewPolicy(fail_on=Severity.HIGH)))
    assert (change.name, change.before, change.after) == ("review.failOn", "critical", "high")


def test_new_and_dropped_resources_show_all_leaves_that_say_something() -> None:
    """A leaf that is null on one side is absent on the other."""
    network = NetworkSet(name="ci", workspace="payments", ranges=("10.0.0.0/8",))
    (new,) = diff_bodies(None, network)
    assert (new.name, new.added) == ("ranges", ("10.0.0.0/8",))
    (gone,) = diff_bodies(network, None)
    assert gone.removed == ("10.0.0.0/8",)
    assert "admins" in [c.name for c in diff_bodies(None, PAYMENTS)]
    assert diff_bodies(PAYMENTS, PAYMENTS) == ()
    assert diff_bodies(None, ScopeCatalog(resources=())) == ()


def test_what_is_found_when_it_is_asked_for_is_what_was_there_all_along() -> None:
    """A plan holds two states, not their difference; whoever looks sees no other thing."""
    before, after = PLAIN, replace(PLAIN, active=False)
    late, found = FieldsDiff(before, after), diff_fields(before, after)
    assert (tuple(late), len(late), late[0], late[:1]) == (found, 1, found[0], found)
    assert late == found
    assert late == FieldsDiff(before, after)
    assert late != FieldsDiff(before, before)
    assert late != 1
    assert (hash(late), repr(late)) == (hash(found), repr(found))
