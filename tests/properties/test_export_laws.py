"""Laws of export over generated repositories: what is printed plans as nothing, or as adoption alone.

Parse after print is identity, whatever the texts hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import given, seed
from hypothesis import strategies as st

from reconciler.apply.prepare import known_to, target_of
from reconciler.bootstrap.exporting import ExportWish, Owners, exported
from reconciler.manifest.desired import read_desired
from reconciler.manifest.secret_text import looks_secret
from reconciler.model.keys import KeyRecord, KeySpec, KeyStatus
from reconciler.model.policy import Policy
from reconciler.model.resources import Resource, address_of
from reconciler.model.states import DesiredState
from reconciler.planning.actions import Action
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan
from reconciler.planning.planner import make_plan
from reconciler.ports import ManifestFile
from tests.fakes.store import FakeStore
from tests.fakes.system import START
from tests.fakes.world import ADMIN, policy
from tests.properties.profiles import FIXED, RANDOM, SEED
from tests.strategies import repositories, text_of

MANAGER = "platform-keys"
EVERYTHING = ExportWish(owners=Owners(), with_resources=True)

NASTY = st.one_of(
    st.sampled_from(["no", "~", "1e3", "a: b", "- a", "#", "'", '"', "\\", "%", "---", "{}", "😀"]),
    st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=("C", "Z")),
        min_size=1,
        max_size=30,
    ),
).filter(lambda text: not looks_secret(text))
"""One line of what people may write and readers may trip over."""
LINES = st.lists(NASTY, min_size=1, max_size=4)


def desired_of(files: Iterable[ManifestFile], store: FakeStore) -> DesiredState:
    """Read files as planning does."""
    known = known_to(store.observe(MANAGER))
    result = read_desired(files, manager=MANAGER, known=known)
    assert isinstance(result, DesiredState), result
    return result


def store_of(documents: list[Any], nasty: list[str], chance: st.DataObject) -> FakeStore:
    """Give a store that holds what the documents declare, with harder texts, each applied."""
    store = FakeStore()
    store.seed(_resource(policy()), actor=ADMIN)
    file = ManifestFile(path="keys/all.yaml", content=text_of(documents).encode())
    desired = read_desired([file], manager=MANAGER)
    assert isinstance(desired, DesiredState), desired
    for resource in desired.resources:
        store.state.resources[resource.address] = _resource(resource.body)
    for spec in desired.keys:
        record = _record(spec, nasty, chance)
        if record.address.workspace in store.observe(MANAGER).workspaces:
            store.state.keys[record.key_id] = record
    return store


def _resource(body: Any) -> Resource:
    return Resource(address=address_of(body), body=body, manager=MANAGER)


def _record(spec: KeySpec, nasty: list[str], chance: st.DataObject) -> KeyRecord:
    """Give the record that applying the spec leaves, described in hard words."""
    line = chance.draw(st.sampled_from(nasty))
    fields = replace(
        spec.fields,
        owner=line,
        description=chance.draw(st.sampled_from([line, "\n".join(nasty), "a\tb " + line])),
        labels=tuple(sorted({("no", line), ("1", nasty[0]), ("a/b.c", "x")})),
    )
    return KeyRecord(
        key_id=f"key-{spec.address}",
        address=spec.address,
        manager=MANAGER,
        status=KeyStatus.LIVE,
        fields=fields,
        record_version=1,
        created_at=START,
        expires_at=None,
    )


def plan_of(files: Iterable[ManifestFile], store: FakeStore) -> Plan:
    """Plan the files against the store."""
    desired = desired_of(files, store)
    marked = frozenset(spec.address for spec in desired.keys if spec.adopts_record)
    observed = store.observe(MANAGER, whole=marked)
    return make_plan(PlanRequest(desired=desired, observed=observed, target=target_of(observed)))


def what_is_exported_plans_as_nothing(
    documents: list[Any], nasty: list[str], chance: st.DataObject
) -> None:
    """And what is another's, or nobody's, as its adoption alone."""
    store = store_of(documents, nasty, chance)
    plan = plan_of(exported(store, MANAGER, EVERYTHING), store)
    assert (plan.changes, plan.refusals, plan.problems) == ((), (), ())
    assert plan.unchanged == len(store.state.keys)
    for key_id, record in store.state.keys.items():
        owner = chance.draw(st.sampled_from(["others", None]))
        store.state.keys[key_id] = replace(record, manager=owner)
    plan = plan_of(exported(store, MANAGER, EVERYTHING), store)
    assert (plan.refusals, plan.problems) == ((), ())
    assert [change.actions for change in plan.changes] == [(Action.ADOPT,)] * len(store.state.keys)
    assert all(change.fields == () for change in plan.changes)


def printing_twice_is_printing_once(
    documents: list[Any], nasty: list[str], chance: st.DataObject
) -> None:
    """The same store gives the same bytes, and so does a store that holds what was read back."""
    store = store_of(documents, nasty, chance)
    files = exported(store, MANAGER, EVERYTHING)
    assert exported(store, MANAGER, EVERYTHING) == files
    assert len({file.path for file in files}) == len(files)
    for spec in desired_of(files, store).keys:
        record = store.observe(MANAGER).live[spec.address]
        store.state.keys[record.key_id] = replace(record, fields=spec.fields)
    assert exported(store, MANAGER, EVERYTHING) == files


@FIXED
@given(repositories(), LINES, st.data())
def test_an_export_leaves_nothing_to_plan(
    documents: list[Any], nasty: list[str], chance: st.DataObject
) -> None:
    """For a fixed set of generated repositories."""
    what_is_exported_plans_as_nothing(documents, nasty, chance)


@seed(SEED)
@RANDOM
@given(repositories(), LINES, st.data())
def test_an_export_leaves_nothing_to_plan_for_others(
    documents: list[Any], nasty: list[str], chance: st.DataObject
) -> None:
    """For other ones in every run."""
    what_is_exported_plans_as_nothing(documents, nasty, chance)


@FIXED
@given(repositories(), LINES, st.data())
def test_an_export_has_one_form(
    documents: list[Any], nasty: list[str], chance: st.DataObject
) -> None:
    """For a fixed set of generated repositories."""
    printing_twice_is_printing_once(documents, nasty, chance)


def test_the_store_of_these_laws_has_a_policy() -> None:
    """Which the export holds too."""
    store = FakeStore()
    store.seed(_resource(policy()), actor=ADMIN)
    (file,) = exported(store, MANAGER, EVERYTHING)
    assert file.path == "keys/policy.yaml"
    assert isinstance(desired_of([file], store).resources[0].body, Policy)
