"""Which writes a planned change stands for, and what the audit says about it."""

from __future__ import annotations

import pytest

from reconciler.apply.effects import declared_work, rotation_work, store_write
from reconciler.model.journal import OperationKind
from reconciler.model.policy import Prune
from reconciler.model.resources import Body
from reconciler.model.workspaces import NetworkSet
from reconciler.model.writes import PutResource, RemoveKey, RemoveResource, UpdateKey
from reconciler.planning.plan import Change
from tests.fakes.system import FakeEntropy
from tests.fakes.world import MANAGER, policy, removal, spec
from tests.planning.records import observed, only_change, path_row, plan_of, record, stored

KEEP = "payments/prod/a"
CI = NetworkSet(name="ci", ranges=("10.0.0.0/8",))


def change(*items: object, **options: object) -> Change:
    """Plan the one change of payments/a."""
    at = observed(record("a"), **options)  # type: ignore[arg-type]  # free forms of a table
    return only_change(plan_of(*items, at=at))  # type: ignore[arg-type]  # ditto


EVENTS = [
    (change(spec("a", owner="x")), "key-updated"),
    (change(spec("a", owner="x", active=False)), "key-updated"),
    (change(spec("a", active=False)), "key-deactivated"),
    (change(spec("a", active=False, generation=2)), "key-deactivated"),
    (
        only_change(plan_of(spec("a"), at=observed(record("a", active=False)))),
        "key-activated",
    ),
    (change(spec("b", owner="team-a", previous_name="a", sink_path=KEEP)), "key-renamed"),
    (change(spec("b", previous_name="a", sink_path=KEEP)), "key-renamed"),
    (change(spec("b", previous_name="a")), "key-updated"),
    (change(spec("b", owner="team-a", previous_name="a", active=False)), "key-deactivated"),
    (change(spec("a", reissue=2, active=False)), "key-deactivated"),
]


@pytest.mark.parametrize(("planned", "event"), EVENTS)
def test_a_change_of_settings_is_one_update_with_its_event(planned: Change, event: str) -> None:
    """A rename that needs a secret is told when that is begun, not before."""
    write = store_write(planned, MANAGER)
    assert isinstance(write, UpdateKey)
    assert (write.note.event, write.base) == (event, 2)
    is_moved = event == "key-renamed"
    assert write.address.name == ("b" if is_moved else "a")


def test_the_audit_names_actions_fields_and_the_previous_name() -> None:
    """What a reader of the history wants to know."""
    write = store_write(change(spec("b", previous_name="a", sink_path=KEEP)), MANAGER)
    assert isinstance(write, UpdateKey)
    assert dict(write.note.detail) == {
        "actions": "rename,update",
        "fields": "owner",
        "previousAddress": "payments/a",
    }
    assert (write.note.reason, str(write.note.source)) == ("renamed", "keys/payments/b.yaml:1:1")


def test_a_removal_carries_its_reason() -> None:
    """Declared or pruned."""
    declared = store_write(change(removal("a")), MANAGER)
    pruned = store_write(change(judge=policy(prune=Prune.REMOVE)), MANAGER)
    assert isinstance(declared, RemoveKey)
    assert isinstance(pruned, RemoveKey)
    assert (declared.reason.value, pruned.reason.value) == ("system-retired", "undeclared")
    assert dict(declared.note.detail)["removal"] == "system-retired"


def test_a_pruned_key_loses_its_activity_alone() -> None:
    """Every other field stays as it is stored."""
    write = store_write(change(), MANAGER)
    assert isinstance(write, UpdateKey)
    assert not write.fields.active
    assert write.fields.owner == "team-a"


def test_the_old_key_of_an_inactive_reissue_is_stopped_and_otherwise_left_alone() -> None:
    """The new rights are the new key's."""
    write = store_write(change(spec("a", reissue=2, active=False, owner="x")), MANAGER)
    assert isinstance(write, UpdateKey)
    assert (write.fields.active, write.fields.owner, write.fields.reissue) == (False, "team-a", 1)


@pytest.mark.parametrize(
    "planned",
    [
        only_change(plan_of(spec("a"))),
        change(spec("a", generation=2)),
        change(spec("a", reissue=2)),
        change(spec("b", owner="team-a", previous_name="a")),
    ],
)
def test_what_only_makes_a_secret_writes_nothing_before_it(planned: Change) -> None:
    """Transaction A is the first."""
    assert store_write(planned, MANAGER) is None


def test_resources_are_put_and_dropped_from_what_the_plan_saw() -> None:
    """The base is the stored fingerprint."""
    new = store_write(only_change(plan_of(CI)), MANAGER)
    assert isinstance(new, PutResource)
    assert (new.base, new.note.event, new.resource.manager) == (None, "resource-stored", MANAGER)
    kept = stored(CI)
    bodies: list[Body] = [NetworkSet(name="ci", ranges=("10.0.0.0/9",))]
    changed = store_write(only_change(plan_of(*bodies, at=observed(resources=(kept,)))), MANAGER)
    assert isinstance(changed, PutResource)
    assert changed.base == kept.fingerprint
    gone = store_write(only_change(plan_of(at=observed(resources=(kept,)))), MANAGER)
    assert isinstance(gone, RemoveResource)
    assert (gone.address, gone.base, gone.note.event) == (
        kept.address,
        kept.fingerprint,
        "resource-removed",
    )


def test_a_change_without_a_secret_makes_no_work() -> None:
    """Nothing is minted for it."""
    for planned in (change(spec("a", owner="x")), change(removal("a")), change()):
        made = declared_work(planned, manager=MANAGER, paths={}, entropy=FakeEntropy())
        assert made is None


@pytest.mark.parametrize(
    ("planned", "kind", "base"),
    [
        (only_change(plan_of(spec("a"))), OperationKind.CREATE, None),
        (change(spec("a", generation=2)), OperationKind.ROTATE, 2),
        (change(spec("a", generation=2, owner="x")), OperationKind.ROTATE, 3),
        (change(spec("a", sink_path="payments/else")), OperationKind.RENAME, 2),
        (change(spec("b", previous_name="a")), OperationKind.RENAME, 3),
        (change(spec("a", reissue=2)), OperationKind.REISSUE, 2),
        (change(spec("a", reissue=2, active=False)), OperationKind.REISSUE, 3),
    ],
)
def test_a_secret_goes_on_from_the_changes_own_store_write(
    planned: Change, kind: OperationKind, base: int | None
) -> None:
    """The record's version is the one that the write leaves."""
    made = declared_work(planned, manager=MANAGER, paths={}, entropy=FakeEntropy())
    assert made is not None
    assert (made.kind, made.base) == (kind, base)


def test_a_path_is_attempted_at_the_version_that_the_store_knows() -> None:
    """And the current secret's own place is remembered."""
    old = record("a")
    rows = {KEEP: path_row(old, last_version=7)}
    planned = change(spec("a", generation=2))
    made = declared_work(planned, manager=MANAGER, paths=rows, entropy=FakeEntropy())
    assert made is not None
    assert (made.expected, made.recorded) == (7, 1)


def test_a_due_rotation_goes_on_from_what_the_run_has_written() -> None:
    """Name, overlap and record version are the new ones."""
    due = record("a", versions=())
    (item,) = plan_of(spec("a"), at=observed(due)).maintenance
    plain = rotation_work(item, due, {})
    assert (plain.address.name, plain.base, plain.recorded) == ("a", 2, None)
    after = rotation_work(item, due, {}, updated=spec("b", sink_path=KEEP))
    assert (after.address.name, after.base, after.path) == ("b", 3, KEEP)
