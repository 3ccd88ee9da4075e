"""What the manifests change about one key: the actions, the reason, the secret."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.keys import KeyRecord, KeySpec, RemovalReason, fields_fingerprint
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.model.policy import Prune
from reconciler.planning.actions import Action, Reason
from reconciler.planning.key_changes import key_change
from reconciler.planning.pairing import Pair
from reconciler.planning.plan import Base, Change, SecretEffect
from tests.fakes.world import removal, spec
from tests.planning.records import DAY, HOUR, place, record, version


def change_of(declared: KeySpec | None, stored: KeyRecord | None, **options: Any) -> Change | None:
    """Pair and ask."""
    prune = options.pop("prune", Prune.DEACTIVATE)
    return key_change(Pair(spec=declared, record=stored, **options), prune)


KEEP = "payments/prod/a"
CASES: dict[str, tuple[KeySpec, KeyRecord | None, tuple[Action, ...], Reason]] = {
    "created": (spec("a"), None, (Action.CREATE,), Reason.DECLARED),
    "updated": (spec("a", owner="x"), record(), (Action.UPDATE,), Reason.FIELDS_DIFFER),
    "protected": (spec("a", protected=True), record(), (Action.UPDATE,), Reason.FIELDS_DIFFER),
    "overlap": (spec("a", overlap=HOUR), record(), (Action.UPDATE,), Reason.FIELDS_DIFFER),
    "schedule": (spec("a", every=30 * DAY), record(), (Action.UPDATE,), Reason.FIELDS_DIFFER),
    "deactivated": (spec("a", active=False), record(), (Action.DEACTIVATE,), Reason.FIELDS_DIFFER),
    "activated": (spec("a"), record(active=False), (Action.ACTIVATE,), Reason.FIELDS_DIFFER),
    "updated and activated": (
        spec("a", owner="x"),
        record(active=False),
        (Action.UPDATE, Action.ACTIVATE),
        Reason.FIELDS_DIFFER,
    ),
    "rotated": (spec("a", generation=2), record(), (Action.ROTATE,), Reason.GENERATION_RAISED),
    "rotated by more than one": (
        spec("a", generation=7),
        record(generation=2),
        (Action.ROTATE,),
        Reason.GENERATION_RAISED,
    ),
    "moved": (
        spec("a", sink_path="payments/other"),
        record(),
        (Action.ROTATE,),
        Reason.SINK_PATH_CHANGED,
    ),
    "moved and rotated": (
        spec("a", sink_path="payments/other", generation=2),
        record(),
        (Action.ROTATE,),
        Reason.GENERATION_RAISED,
    ),
    "updated, deactivated and rotated": (
        spec("a", owner="x", active=False, generation=2),
        record(),
        (Action.UPDATE, Action.DEACTIVATE, Action.ROTATE),
        Reason.GENERATION_RAISED,
    ),
    "reissued": (spec("a", reissue=2), record(), (Action.REISSUE,), Reason.REISSUE_RAISED),
    "reissued with everything else": (
        spec("a", reissue=2, owner="x", generation=3, expiration=Expiration.DAY),
        record(),
        (Action.REISSUE,),
        Reason.REISSUE_RAISED,
    ),
    "reissued inactive": (
        spec("a", reissue=2, active=False),
        record(),
        (Action.REISSUE, Action.DEACTIVATE),
        Reason.REISSUE_RAISED,
    ),
    "reissued inactive as before": (
        spec("a", reissue=2, active=False),
        record(active=False),
        (Action.REISSUE,),
        Reason.REISSUE_RAISED,
    ),
    "renamed with its path": (
        spec("b", owner="team-a"),
        record(),
        (Action.RENAME, Action.ROTATE),
        Reason.RENAMED,
    ),
    "renamed in place": (
        spec("b", owner="team-a", sink_path=KEEP),
        record(),
        (Action.RENAME,),
        Reason.RENAMED,
    ),
    "renamed, updated, deactivated": (
        spec("b", sink_path=KEEP, active=False),
        record(),
        (Action.RENAME, Action.UPDATE, Action.DEACTIVATE),
        Reason.RENAMED,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_declared_key_gets_its_actions_and_the_reason(case: str) -> None:
    """One row for every difference between a manifest and a record."""
    declared, stored, actions, reason = CASES[case]
    change = change_of(declared, stored)
    assert change is not None
    assert (change.actions, change.reason) == (actions, reason)
    assert (change.is_key, change.workspace) == (True, "payments")


@pytest.mark.parametrize("options", [{}, {"previous_name": "old"}, {"line": 9}])
def test_a_key_as_declared_has_no_change(options: dict[str, Any]) -> None:
    """Neither a left-over previousName nor a moved document is a difference."""
    assert change_of(spec("a", **options), record()) is None


def test_a_creation_says_where_its_secret_goes() -> None:
    """There is no base and nothing that is replaced."""
    change = change_of(spec("a", line=4), None)
    assert change is not None
    assert change.secret == SecretEffect(path=KEEP, from_version=None)
    assert (change.base, change.record, change.last_characters) == (None, None, None)
    assert change.source == place(line=4)


def test_a_rotation_says_what_it_replaces_and_how_long_that_works() -> None:
    """The overlap of the manifest counts, not the stored one."""
    stored = record(versions=(version(sink_version=3),), overlap=HOUR)
    change = change_of(spec("a", generation=2, overlap=2 * DAY), stored)
    assert change is not None
    assert change.secret == SecretEffect(path=KEEP, from_version=3, previous_works_for="2d")
    assert change.base == Base(record_version=2, fingerprint=fields_fingerprint(stored.fields))
    assert change.last_characters == "x9Kf"


def test_a_rename_announces_the_path_that_it_leaves() -> None:
    """Both names and both paths are in the change."""
    change = change_of(spec("b", owner="team-a"), record())
    assert change is not None
    assert (change.address, change.previous_address) == ("payments/b", "payments/a")
    assert change.secret == SecretEffect(
        path="payments/prod/b", from_version=1, left_path=KEEP, previous_works_for="1d"
    )


@pytest.mark.parametrize("name", ["updated", "deactivated", "renamed in place"])
def test_a_change_of_settings_alone_makes_no_secret(name: str) -> None:
    """Nothing is minted for what only the store has to know."""
    declared, stored, _, _ = CASES[name]
    change = change_of(declared, stored)
    assert change is not None
    assert change.secret is None


def test_a_secret_that_was_never_confirmed_has_no_version_to_replace() -> None:
    """A rotation of a key without a current secret replaces none."""
    stored = record(versions=(version(state=VersionState.RETIRED),))
    change = change_of(spec("a", generation=2), stored)
    assert change is not None
    assert change.secret is not None
    assert change.secret.from_version is None


@pytest.mark.parametrize("prune", Prune)
@pytest.mark.parametrize("reason", [r for r in RemovalReason if r is not RemovalReason.UNDECLARED])
def test_a_declared_removal_removes_whatever_the_policy_says(
    prune: Prune, reason: RemovalReason
) -> None:
    """The console page's four reasons reach the change, with the place of the KeyRemoval."""
    declared = removal("a", reason)
    change = change_of(None, record(), removal=declared, prune=prune)
    assert change is not None
    assert (change.actions, change.reason) == ((Action.REMOVE,), Reason.REMOVAL_DECLARED)
    assert (change.removal, change.source) == (reason.value, declared.source)
    assert change.secret == SecretEffect(path=KEEP, from_version=1, ends=True)


UNDECLARED = [
    (Prune.DEACTIVATE, True, (Action.DEACTIVATE,), None),
    (Prune.DEACTIVATE, False, None, None),
    (Prune.REMOVE, True, (Action.REMOVE,), "undeclared"),
    (Prune.REMOVE, False, (Action.REMOVE,), "undeclared"),
    (Prune.IGNORE, True, None, None),
    (Prune.IGNORE, False, None, None),
]


@pytest.mark.parametrize(("prune", "active", "actions", "removed"), UNDECLARED)
def test_a_manifest_that_disappeared_means_what_the_policy_says(
    prune: Prune, active: bool, actions: tuple[Action, ...] | None, removed: str | None
) -> None:
    """Deactivate, remove, ignore; a deactivated key is not deactivated again."""
    change = change_of(None, record(active=active), prune=prune)
    assert (None if change is None else change.actions) == actions
    if change is not None:
        assert (change.reason, change.removal) == (Reason.UNDECLARED, removed)


def test_a_pruned_key_is_changed_in_nothing_but_its_activity() -> None:
    """Its history and its secret stay."""
    change = change_of(None, record())
    assert change is not None
    assert [(f.name, f.before, f.after) for f in change.fields] == [("active", True, False)]
    assert (change.secret, change.spec) == (None, None)


def test_a_removal_of_a_key_without_a_current_secret_ends_no_version() -> None:
    """Nothing is known to be in the sink then."""
    for stored in (record(versions=()), replace(record(), versions=())):
        change = change_of(None, stored, removal=removal("a"))
        assert change is not None
        assert change.secret is not None
        assert change.secret.from_version is None


def test_nothing_declared_and_nothing_stored_is_nothing() -> None:
    """A pair without both sides asks for nothing."""
    assert change_of(None, None) is None
