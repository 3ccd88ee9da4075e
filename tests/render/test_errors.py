"""Errors for people and programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler import errors
from reconciler.errors import (
    ConfigInvalid,
    KeyrecError,
    ManifestsInvalid,
    PlanDiffers,
    StoreUnavailable,
)
from reconciler.render.errors import error_json, error_text
from reconciler.render.style import PLAIN, Style
from tests.render.conftest import Golden
from tests.render.samples import problems

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, KeyrecError) and kind is not KeyrecError
]
HELD: dict[type[KeyrecError], dict[str, Any]] = {
    ManifestsInvalid: {"problems": ()},
    PlanDiffers: {"plan": None},
}
"""What some kinds hold beside message and advice."""


def test_an_error_is_a_sentence_and_an_advice():
    """Nothing else stands in the way of reading it."""
    error = StoreUnavailable("The store does not answer.", advice="Check KEYREC_STORE_URL.")
    assert error_text(error, PLAIN) == (
        "Error: The store does not answer.\n  Check KEYREC_STORE_URL.\n"
    )
    assert error_text(error, Style(color=True)).startswith("\x1b[31;1mError:\x1b[0m The store")


def test_an_error_without_advice_is_one_line():
    """An empty advice leaves no line."""
    assert error_text(StoreUnavailable("No."), PLAIN) == "Error: No.\n"


def test_further_lines_of_a_message_are_indented():
    """A list of configuration problems stays below its head, whatever it holds."""
    error = ConfigInvalid("Two values cannot be used:\n  store.url: no\n::error::x", advice="a\nb")
    assert error_text(error, PLAIN).splitlines() == [
        "Error: Two values cannot be used:",
        "  store.url: no",
        r"  \x3a:error::x",
        "  a",
        "  b",
    ]


def test_invalid_manifests_show_their_problems(golden: Golden):
    """Every problem at its place, then the error itself."""
    error = ManifestsInvalid(
        "The manifests are invalid.", problems=problems(), advice="Nothing was applied."
    )
    golden("error-manifests.txt", error_text(error, PLAIN))
    golden("error-manifests.json", error_json(error))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_json_of_every_error_names_it_and_its_exit_code(kind: type[KeyrecError]):
    """The exit code is repeated as a word."""
    error = kind("m", **HELD.get(kind, {}))
    document = json.loads(error_json(error))
    assert document["error"] == kind.word
    assert document["exit_code"] == kind.exit_code
    assert document["exit"] == kind.exit_code.name.lower()
    assert document["transient"] is kind.transient
