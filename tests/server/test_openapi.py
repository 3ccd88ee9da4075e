"""The OpenAPI document says what the application does: held together by schemathesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth

from reconciler.credentials.verdict import UNDISCLOSED, DenialReason
from reconciler.model.scopes import INTROSPECT
from reconciler.server.answers import AUTH_HEADERS
from reconciler.server.openapi import openapi_document
from tests.credentials.examples import API_KEY
from tests.server.asking import Desk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"


def test_the_document_in_the_reference_is_this_one() -> None:
    """Made by `python tools/openapi.py`."""
    assert json.loads(PAGE.read_text(encoding="utf-8")) == openapi_document()


def test_every_reason_that_is_told_is_in_the_document() -> None:
    """And none that is not."""
    told = openapi_document()["components"]["schemas"]["Inactive"]["properties"]["reason"]["enum"]
    assert set(told) == set(DenialReason) - UNDISCLOSED
    answers = openapi_document()["paths"]["/v1/authorize"]["get"]["responses"]
    assert set(AUTH_HEADERS) < set(answers["200"]["headers"])


def described() -> BaseSchema:
    """Give the document, bound to an application whose one key may also ask about keys."""
    desk = Desk()
    desk.verifier.change(fields={"scopes": (INTROSPECT,)})
    schema = schemathesis.openapi.from_dict(
        openapi_document(), config=SchemathesisConfig.from_dict({})
    )
    schema.app = desk.app
    return schema


OPERATIONS = [
    (path, method) for path, methods in openapi_document()["paths"].items() for method in methods
]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_application_keeps_to_its_document(path, method, mode) -> None:
    """Statuses, headers and bodies are those described, for right questions and for wrong ones."""
    operation = described()[path][method]
    if mode is GenerationMode.NEGATIVE and path not in {"/v1/authorize", "/v1/introspect"}:
        return

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def keeps(case: Any) -> None:
        key = {"X-API-Key": API_KEY.reveal()}
        case.call_and_validate(headers=key, excluded_checks=[ignored_auth])  # it is right

    keeps()
