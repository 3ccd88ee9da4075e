"""What the observed state answers about itself."""

from datetime import datetime, timezone

from reconciler.model.keys import KeyAddress, KeyFields, KeyRecord, KeyStatus
from reconciler.model.policy import Policy, Prune
from reconciler.model.resources import Body, Resource, address_of
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import NetworkSet, Workspace

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


def observed(*bodies: Body, records: tuple[KeyRecord, ...] = ()) -> ObservedState:
    """Give an observed state that holds these."""
    resources = tuple(Resource(address=address_of(b), body=b, manager="m") for b in bodies)
    return ObservedState(
        store_id="store", manager="m", read_at=NOON, records=records, resources=resources
    )


def record(name: str, status: KeyStatus) -> KeyRecord:
    """Give a record in a status."""
    return KeyRecord(
        key_id=f"{name}-{status.value}",
        address=KeyAddress(workspace="w", name=name),
        manager="m",
        status=status,
        fields=KeyFields(environment="prod", sink_path=f"w/{name}"),
        record_version=1,
        created_at=NOON,
        expires_at=None,
    )


def test_only_live_records_are_found_by_address():
    """Superseded and removed records of the same address do not hide the live one."""
    live = record("a", KeyStatus.LIVE)
    ended = (record("a", KeyStatus.SUPERSEDED), record("b", KeyStatus.REMOVED))

    state = observed(records=(ended[0], live, ended[1]))

    assert state.live == {live.address: live}


def test_an_empty_store_has_the_default_policy_and_the_built_in_catalogue():
    """Nothing is laxer before the first policy is stored."""
    state = observed()

    assert state.policy == Policy()
    assert state.catalog == BUILT_IN_CATALOG
    assert state.workspaces == {}
    assert state.networks == ()


def test_stored_resources_are_found_by_their_kind():
    """The stored policy rules, the stored catalogue lies over the built-in one."""
    policy = Policy(prune=Prune.IGNORE)
    network = NetworkSet(name="office", ranges=("10.0.0.0/8",))
    workspace = Workspace(name="payments")

    state = observed(network, workspace, policy, ScopeCatalog.of({"Jobs": ("run",)}))

    assert state.policy == policy
    assert state.networks == (network,)
    assert state.workspaces == {"payments": workspace}
    assert state.catalog.levels("Jobs") == ("run",)
    assert state.catalog.levels("Reviews") == ("read", "operate")
