"""One identity of a CI job for both doors: who applies by the policy, and the login to Vault.

A job of GitHub asks its own endpoint for two tokens, each meant for one of them. PostgreSQL and
Vault are real; the issuer is on loopback, and Vault asks it for its keys as keyrec does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.contracts.sink_rigs import example_policy
from tests.e2e.desk import Desk, Said, principal
from tests.services.canned import replied
from tests.services.identity_issuer import (
    AUDIENCE,
    KEYS,
    REQUEST,
    IdentityIssuer,
    identity_issuer,
)
from tests.services.vault_server import VaultClient

ROLE = Path(__file__).parents[2] / "examples" / "policies" / "vault" / "jwt-github.json"
PLACE = "keyrec-apply"
WORKSPACE = """
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {name: edge}
    spec: {admins: ["github:apply"]}
"""
KEY = """
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata: {name: first, workspace: edge}
    spec: {environment: prod, scopes: {Reviews: read}}
"""
JOB: dict[str, Any] = {"environment": PLACE}
PULL_REQUEST: dict[str, Any] = {
    "environment": None,
    "ref": "refs/pull/7/merge",
    "event_name": "pull_request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """A store of mode `oidc` and a Vault that believe one issuer, and the jobs that it speaks of."""

    desk: Desk
    issuer: IdentityIssuer
    vault: VaultClient

    def offer(self, *, policy: dict[str, Any], vault: dict[str, Any]) -> None:
        """Let GitHub give a job these claims, for each audience that it is asked for."""
        for audience, claims in ((AUDIENCE, policy), (self.vault.address, vault)):
            asked = f"{REQUEST}?api-version=2&audience={quote(audience, safe='')}"
            token = self.issuer.token(**{"aud": audience, **claims})
            self.issuer.server.answer(asked, replied({"value": token}))

    def apply(self, expect: int) -> Said:
        """Apply, and see that no part of a token is shown."""
        said = self.desk.apply(expect=expect)
        assert "eyJ" not in said.everything
        return said

    @property
    def asked(self) -> list[str]:
        """Give the audiences that GitHub was asked for, in order."""
        targets = (r.target for r in self.issuer.server.received)
        return [t.rpartition("audience=")[2] for t in targets if t.startswith(REQUEST)]


@pytest.fixture
def ci(server_desk: Desk, vault_client: VaultClient, vault_mount: str) -> Iterator[Ci]:
    """Give a store that was moved to `oidc`, and a job without any token of Vault."""
    with identity_issuer() as issuer:
        login = f"jwt-{vault_mount}"
        trust(vault_client, issuer, login=login, mount=vault_mount)
        move(server_desk, issuer)
        variables = {
            "KEYREC_VAULT_AUTH_METHOD": "jwt",
            "KEYREC_VAULT_AUTH_MOUNT": login,
            "KEYREC_VAULT_AUTH_ROLE": "keyrec-apply",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}{REQUEST}?api-version=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-request-token",
        }
        kept = {n: t for n, t in server_desk.environment.items() if n != "VAULT_TOKEN"}
        desk = replace(server_desk, environment=kept | variables)
        yield Ci(desk=desk, issuer=issuer, vault=vault_client)


def trust(vault: VaultClient, issuer: IdentityIssuer, *, login: str, mount: str) -> None:
    """Let Vault believe the issuer by the shipped role, for tokens that are meant for itself."""
    role = json.loads(ROLE.read_text(encoding="utf-8"))
    names = ("apply", "apply-destroy")
    policies = [vault.new_policy(example_policy(n, mount=mount)) for n in names]
    mine = {"bound_audiences": [vault.address], "token_policies": policies}
    vault.call("POST", f"sys/auth/{login}", {"type": "jwt"})
    keys = {"jwks_url": f"{issuer.url}{KEYS}", "bound_issuer": issuer.url}
    vault.call("POST", f"auth/{login}/config", keys)
    vault.call("POST", f"auth/{login}/role/keyrec-apply", role | mine)


def move(desk: Desk, issuer: IdentityIssuer) -> None:
    """Let the policy believe the issuer, of the same repository, branch and environment."""
    path = desk.folder / "keys/policy.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    place = json.loads(ROLE.read_text(encoding="utf-8"))["bound_claims"]
    bound = {"apply": place, "platform": place | {"environment": "keyrec-platform"}}
    document["spec"]["authorization"] = {
        "mode": "oidc",
        "platformAdmins": [principal(), "github:platform"],
        "issuers": {"github": {"url": issuer.url, "audience": AUDIENCE, "principals": bound}},
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    desk.write("keys/edge/workspace.yaml", WORKSPACE)
    desk.apply()
    desk.write("keys/edge/first.yaml", KEY)


def test_one_identity_names_who_applies_and_logs_in_to_vault(ci: Ci) -> None:
    """Two tokens of one job: the key is in Vault, and the chain names the policy's principal."""
    ci.offer(policy=JOB, vault=JOB)
    ci.apply(expect=0)
    assert ci.desk.reader.read("edge/prod/first").startswith("krk_prod_")
    assert ci.desk.count("audit WHERE event = 'key-created' AND actor = 'github:apply'") == 1
    assert ci.asked == [AUDIENCE, quote(ci.vault.address, safe="")]


def test_a_job_of_a_pull_request_has_neither(ci: Ci) -> None:
    """It is nobody by the policy, and Vault is not asked at all."""
    ci.offer(policy=PULL_REQUEST, vault=PULL_REQUEST)
    assert "no principal of github" in ci.apply(expect=5).err
    assert ci.asked == [AUDIENCE]
    assert ci.desk.count("keys") == 0


def test_either_door_is_closed_to_the_token_of_the_other(ci: Ci) -> None:
    """What is meant for Vault makes nobody known; what is meant for keyrec opens no Vault."""
    ci.offer(policy=JOB | {"aud": ci.vault.address}, vault=JOB)
    assert "aud is not" in ci.apply(expect=5).err
    ci.offer(policy=JOB, vault=JOB | {"aud": AUDIENCE})
    assert "audience" in ci.apply(expect=1).err
    assert ci.desk.reader.is_gone("edge/prod/first")
    ci.offer(policy=JOB, vault=JOB)
    ci.apply(expect=0)


def test_a_principal_whom_vault_does_not_let_in_makes_no_key(ci: Ci) -> None:
    """The rights of both are needed: the store's binding alone draws no secret."""
    ci.offer(policy=JOB, vault=PULL_REQUEST)
    ci.apply(expect=1)
    assert ci.desk.reader.is_gone("edge/prod/first")
    assert ci.desk.count("key_versions") == 0
