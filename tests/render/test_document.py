"""A plan as JSON, and back."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.errors import PlanFileInvalid
from reconciler.manifest.json_schema import schema_text
from reconciler.model.canonical import fingerprint
from reconciler.planning.effects import effects_document
from reconciler.planning.plan import FieldChange, Plan
from reconciler.render.document import plan_document, plan_json
from reconciler.render.plan_file import read_plan
from reconciler.render.plan_schema import plan_schema
from reconciler.render.style import PLAIN
from reconciler.render.text import plan_text
from tests.render.conftest import Golden
from tests.render.reviews import everything
from tests.render.samples import plans

PLANS = {**plans(), "everything": everything()}
SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "v1" / "plan.schema.json"


def saved(plan: Plan = PLANS["update"], **changed: Any) -> str:
    """Give a saved plan with some of its top fields replaced, and its digest as it was."""
    return json.dumps({**plan_document(plan), **changed})


def refused(text: str) -> PlanFileInvalid:
    """Give the error with which a text is refused as a plan."""
    with pytest.raises(PlanFileInvalid) as error:
        read_plan(text, name="plan.json")
    assert error.value.advice
    return error.value


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_of_each_kind_has_the_document_that_was_approved(name: str, golden: Golden):
    """One golden document for each kind of change."""
    golden(f"plan-{name}.json", plan_json(PLANS[name]))


@pytest.mark.parametrize("name", PLANS)
def test_a_document_is_of_its_schema(name: str):
    """What is written is what the published schema says."""
    Draft202012Validator(plan_schema()).validate(json.loads(plan_json(PLANS[name])))


def test_the_schema_file_is_the_schema_of_the_code():
    """`keyrec schema --all --out schemas/v1` has been run after the last change."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(plan_schema())
    Draft202012Validator.check_schema(plan_schema())


@pytest.mark.parametrize("name", PLANS)
def test_a_saved_plan_reads_as_the_plan_it_was(name: str):
    """Digest, text and document of a plan survive its file."""
    plan = PLANS[name]
    again = read_plan(plan_json(plan), name="plan.json")
    assert again.digest == plan.digest
    assert plan_text(again, PLAIN, verbose=True) == plan_text(plan, PLAIN, verbose=True)
    assert plan_json(again) == plan_json(plan)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(before=VALUES, after=VALUES, address=TEXTS, field=TEXTS, note=TEXTS)
def test_whatever_a_plan_says_its_file_says_the_same(before, after, address, field, note):
    """The law behind the examples: reading what was written changes no digest and no byte."""
    change = replace(
        PLANS["update"].changes[0],
        address=address,
        fields=(FieldChange(name=field, before=before, after=after),),
    )
    plan = replace(PLANS["update"], changes=(change,), notes=(note,))
    again = read_plan(plan_json(plan), name="plan.json")
    assert again.digest == plan.digest
    once_more = read_plan(plan_json(again), name="plan.json")
    assert plan_json(once_more) == plan_json(again)
    assert plan_text(once_more, PLAIN) == plan_text(again, PLAIN)


def test_the_same_plan_gives_the_same_bytes():
    """Two runs over the same inputs can be compared byte by byte."""
    assert plan_json(PLANS["update"]) == plan_json(plans()["update"])


def test_no_document_has_a_place_for_a_secret():
    """The words of every field name are those of the schema, and none of them is a value."""
    fields = plan_schema()["$defs"]["Secret"]["properties"]
    names = {"action", "path", "from_version", "left_path", "previous_works_for", "adopts"}
    assert set(fields) == names


def test_fields_that_a_newer_minor_version_adds_are_ignored():
    """A minor version only adds."""
    document = plan_document(PLANS["create"])
    document["changes"][0]["risk"] = {"level": 3}  # type: ignore[index]  # plain values inside
    text = json.dumps({**document, "format_version": "1.7", "signature": ["…"]})
    assert read_plan(text, name="plan.json").digest == PLANS["create"].digest


@pytest.mark.parametrize("text", ["[]", "null", '"plan"', "{}", '{"tool": {"name": "terraform"}}'])
def test_a_document_of_another_program_is_no_plan(text: str):
    """JSON alone does not make a plan."""
    assert refused(text).message == "plan.json is not a plan of keyrec"


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.1"])
def test_a_plan_of_another_major_version_is_refused(version: str):
    """A major version means something else by the same words."""
    error = refused(saved(format_version=version))
    assert error.message == f"plan.json has plan format {version}, this program reads 1.1"


@pytest.mark.parametrize("version", [None, 1.0, "1", "one", "1.x", "1.0\n", "\u0661.\u0660"])
def test_a_plan_without_a_version_is_damaged(version: object):
    """Nothing is guessed."""
    assert "format_version" in refused(saved(format_version=version)).message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not readable JSON"),
        ("{", "it is not readable JSON"),
        ("[" * 100_000, "it is not readable JSON"),
        ('{"digest": 1, "digest": 2}', "it is not readable JSON"),
        (saved(manager=7), "manager is not as it should be"),
        (saved(created_at="2026-11-23T14:50:00"), "created_at is not as it should be"),
        (saved(created_at="9999-12-31T23:59:59-12:00"), "created_at is not as it should be"),
        (saved(created_at="0001-01-01T00:00:00+12:00"), "created_at is not as it should be"),
        (saved(applyable="yes"), "applyable is not as it should be"),
        (saved(digest="sha256:1234"), "digest is not as it should be"),
        (saved(changes=[{}]), "changes.0.kind is not as it should be"),
        (saved(removal_count=-1), "removal_count is not as it should be"),
        (saved(manager="\ud800"), "is not as it should be"),
    ],
    ids=itertools.count(),
)
def test_a_damaged_plan_is_refused_with_the_place(text: str, said: str):
    """What cannot be read is not half read."""
    error = refused(text)
    assert error.message.startswith("plan.json is damaged: ")
    assert said in error.message


def changed_first(**changed: Any) -> str:
    """Give the saved update with its first change changed."""
    document = json.loads(plan_json(PLANS["update"]))
    document["changes"][0].update(changed)
    return json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        saved(changes=[]),
        saved(manager="others"),
        saved(digest=f"sha256:{'0' * 64}"),
        saved(target={"store_id": "store-2", "sink_id": "age:sink-1"}),
        changed_first(address="payments/other"),
        changed_first(actions=["activate"]),
        changed_first(fields={}),
        changed_first(base=None),
        changed_first(removal="policy"),
    ],
    ids=itertools.count(),
)
def test_a_plan_that_was_changed_after_it_was_made_is_refused(text: str):
    """An approval cannot be carried over to other effects."""
    assert "was changed after it was made" in refused(text).message


def test_what_came_and_went_is_computed_and_not_believed():
    """A forged list of additions cannot hide one from whoever reads the saved plan."""
    document = json.loads(plan_json(PLANS["update"]))
    for field in document["changes"][0]["fields"].values():
        field.update(added=[], removed=[])
    again = read_plan(json.dumps(document), name="plan.json")
    assert plan_text(again, PLAIN) == plan_text(PLANS["update"], PLAIN)


@pytest.mark.parametrize("value", [0.5, [1.5], {"a": {"b": [2.5]}}])
def test_a_fraction_in_a_field_is_refused(value: object):
    """The canonical form has none, so its digest could not be trusted."""
    field = {"before": value, "after": None}
    assert "changes.0.fields" in refused(changed_first(fields={"owner": field})).message


def test_a_number_too_long_to_be_written_is_refused():
    """A file from anywhere stops with a sentence, not with a fault."""
    text = changed_first(fields={"owner": {"before": None, "after": 12345}})
    assert "damaged" in refused(text.replace("12345", "9" * 5000)).message


@pytest.mark.parametrize("depth", [300, 900, 50_000])
def test_a_value_too_deep_to_be_compared_is_refused(depth: int):
    """However deep a file is nested, it ends in a sentence."""
    text = changed_first(fields={"owner": {"before": None, "after": "deep"}})
    assert "damaged" in refused(text.replace('"deep"', "[" * depth + "]" * depth)).message


def test_a_problem_without_its_place_still_reads():
    """A document may say less than this program writes."""
    document = json.loads(plan_json(PLANS["invalid"]))
    document["diagnostics"][0]["source"] = None
    again = read_plan(json.dumps(document), name="plan.json")
    assert not again.is_applyable


def test_the_digest_is_that_of_the_effects_alone():
    """A dirty tree, another time or due maintenance leave an approval standing."""
    plan = PLANS["create"]
    assert PLANS["dirty"].digest == plan.digest == PLANS["noted"].digest
    assert plan.digest == f"sha256:{fingerprint(effects_document(plan))}"


def test_an_inactive_creation_has_a_digest_of_its_own():
    """Approving a key that admits nobody does not approve one that does."""
    assert PLANS["create-inactive"].digest != PLANS["create"].digest
