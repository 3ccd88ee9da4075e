"""The page about the plan's JSON says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.model.keys import RemovalReason
from reconciler.planning.actions import Action, MaintenanceKind, Reason
from reconciler.render.json_form import FORMAT_VERSION
from reconciler.render.plan_file import read_plan
from reconciler.render.plan_schema import plan_schema
from tests.render.samples import plans

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "plan-json.md"
TEXT = PAGE.read_text(encoding="utf-8")
SCHEMA = plan_schema()
PARTS = {"Plan": SCHEMA, **SCHEMA["$defs"]}
NAMES = sorted({n for part in PARTS.values() for n in part.get("properties", {})})


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_the_schema_is_on_the_page(name: str):
    """A field that nobody explained cannot be added."""
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize(
    "value",
    [
        *(action for action in Action if action is not Action.NO_OP),
        *Reason,
        *MaintenanceKind,
        *RemovalReason,
    ],
    ids=lambda value: f"{type(value).__name__}-{value}",
)
def test_every_word_of_a_closed_set_is_on_the_page(value: str):
    """Whoever reads plans by program finds all cases."""
    assert f"`{value}`" in TEXT


def test_the_example_is_a_plan_of_this_version():
    """It can be saved and shown as it stands."""
    found = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    assert read_plan(found[1], name="example").digest == plans()["rotate"].digest
    assert f"now `{FORMAT_VERSION}`" in TEXT
