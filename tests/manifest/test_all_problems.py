"""Every problem of a document in one run: those of its fields, and those between documents."""

from __future__ import annotations

from reconciler.manifest.assembly import Known
from reconciler.manifest.desired import read_desired
from reconciler.model.workspaces import Workspace
from reconciler.ports import ManifestFile

KEY = b"""apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: a, workspace: payments}
spec:
  environment: prod
  scopes:
    Reveiws: read
  expiration: 60d
  allowlist:
    - network: ci-runers
  colour: blue
---
apiVersion: keyrec/v1
kind: NetworkSet
metadata: {name: ci-runners}
spec: {ranges: [203.0.113.0/24]}
"""


def _codes(content: bytes) -> list[tuple[int, str]]:
    files = [ManifestFile(path="keys/a.yaml", content=content)]
    known = Known(workspaces={"payments": Workspace(name="payments")})
    result = read_desired(files, manager="m", known=known)
    assert isinstance(result, tuple)
    return [(p.where.line, p.message) for p in result]


def test_faults_of_fields_do_not_hide_faults_between_documents() -> None:
    """A wrong expiration and an unknown field leave the misspelt scope and network visible."""
    lines = [line for line, _ in _codes(KEY)]

    assert lines == [7, 8, 10, 11]


def test_a_refused_field_is_refused_once() -> None:
    """What the schema refuses is not refused again for being absent or for its default."""
    policy = b"""---
apiVersion: keyrec/v1
kind: Policy
metadata: {name: default}
spec: {expirations: [1h]}
"""

    found = _codes(KEY + policy)

    assert [line for line, message in found if "expiration" in message] == [8]


def test_a_document_without_its_name_says_only_that() -> None:
    """Nothing is guessed of a document that cannot say what it declares."""
    found = _codes(KEY.replace(b"name: a, ", b"name: A-, "))

    assert 3 in [line for line, _ in found]
    assert 7 not in [line for line, _ in found]
