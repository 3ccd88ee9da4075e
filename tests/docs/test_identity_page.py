"""The page about identities: its manifests are legal, and its policy does what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.credentials.identity import NotBelieved, bound_principal
from reconciler.manifest.desired import read_desired
from reconciler.model.policy import AuthorizationMode, Policy
from reconciler.model.states import DesiredState
from reconciler.ports import ManifestFile

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/apply-from-ci-with-an-identity.md"
JOB = {
    "repository_id": "1234567",
    "repository": "acme/keys",
    "ref": "refs/heads/main",
    "environment": "keys-payments",
}


@pytest.fixture(scope="module")
def declared() -> DesiredState:
    """Give what the manifests of the page declare."""
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    manifests = [(name, text) for name, text in blocks if "apiVersion" in text]
    assert len(manifests) == 2
    files = [ManifestFile(path=name, content=text.encode()) for name, text in manifests]
    read = read_desired(files, manager="acme")
    assert isinstance(read, DesiredState), read
    return read


def test_the_manifests_of_the_page_know_each_other(declared: DesiredState) -> None:
    """The workspace is bound to a principal of the policy, in the mode that it is moved to."""
    policies = [r.body for r in declared.resources if isinstance(r.body, Policy)]
    (policy,) = policies
    moved = replace(policy, authorization=AuthorizationMode.OIDC)
    assert [p for p in moved.platform_admins if moved.knows(p)] == ["github:platform"]
    assert moved.knows("github:payments")
    (issuer,) = policy.issuers
    assert bound_principal(issuer, JOB) == "github:payments"
    pull_request = {**JOB, "ref": "refs/pull/7/merge", "environment": ""}
    assert isinstance(bound_principal(issuer, pull_request), NotBelieved)
