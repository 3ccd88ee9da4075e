"""Whoever can change `keyrec.yaml` cannot have a Vault of their own trusted.

Their server repeats the id of the trusted cluster, which anybody can ask for; it counts only as long
as the stored policy does not pin the address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from reconciler.adapters.sql_store import SqlStore
from reconciler.bootstrap import doors
from reconciler.model.policy import AuthorizationMode, Policy, SinkKind, SinkPolicy
from reconciler.model.resources import Resource, address_of
from tests.adapters.vault_rigs import ABSENT, ANCHOR, HEALTH, logged_in, written
from tests.e2e.desk import principal as local_user
from tests.fakes.command_line import CommandLine
from tests.services.canned import CannedServer, canned, replied
from tests.services.identity_issuer import REQUEST, identity_issuer

PINNED = "https://vault.example:8200"
LOGIN = "/v1/auth/jwt/login"
SINK = SinkPolicy(
    kind=SinkKind.VAULT,
    identity="vault:real-cluster/secret:keyrec",
    mount="secret",
    prefix="keyrec",
    address=PINNED,
)
KEY = """
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: shop}
---
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: first, workspace: shop, owner: team-a}
spec: {environment: prod, scopes: {Reviews: read}}
"""


def vault(server: CannedServer) -> None:
    """Answer as the trusted Vault does; anybody can know of it what is needed for that."""
    health = {"initialized": True, "sealed": False, "cluster_id": "real-cluster"}
    mount = {"data": {"type": "kv", "options": {"version": "2"}}}
    rights = ("data", "metadata", "destroy")
    own = ("anchor", "preflight")
    paths = [f"secret/{right}/keyrec/_keyrec/{name}" for right in rights for name in own]
    server.answer("/v1/", ABSENT)
    server.answer(HEALTH, replied(health))
    server.answer(LOGIN, logged_in("hvs.one"))
    server.answer("/v1/auth/token/lookup-self", replied({"data": {"ttl": 3600, "num_uses": 0}}))
    server.answer("/v1/sys/internal/ui/mounts", replied(mount))
    server.answer("/v1/sys/capabilities-self", replied({"data": {p: ["root"] for p in paths}}))
    server.answer("/v1/secret/config", replied({"data": {}}))
    server.answer("/v1/secret/data/keyrec/shop/prod/first", written(1))
    server.answer(ANCHOR, ABSENT, written(1))


@pytest.fixture
def theirs() -> Iterator[CannedServer]:
    """Give the server of somebody who may change the configuration."""
    with canned() as server:
        vault(server)
        yield server


@pytest.fixture
def trusted() -> Iterator[CannedServer]:
    """Give the Vault that the policy pins."""
    with canned() as server:
        vault(server)
        yield server


def begun(keyrec: CommandLine, policy: Policy, address: str, *, auth: str) -> None:
    """Give `keyrec` a store with this policy, a key to be made, and a configuration."""
    url = f"sqlite:///{keyrec.folder}/keys.db"
    with closing(SqlStore(url, clock=doors.clock())) as store:
        store.migrate()
        resource = Resource(address=address_of(policy), body=policy, manager="m")
        store.seed(resource, actor=local_user())
    keyrec.set(KEYREC_STORE_URL=url)
    keyrec.write("keys/first.yaml", KEY)
    configured(keyrec, address, auth=auth)


def configured(keyrec: CommandLine, address: str, *, auth: str) -> None:
    """Write `keyrec.yaml`."""
    head = "apiVersion: keyrec/v1\nkind: Config\nmanager: m\nmanifests: [keys]\n"
    vault = f"{{address: '{address}', auth: {{method: jwt, role: r{auth}}}}}"
    keyrec.write("keyrec.yaml", f"{head}sink: {{vault: {vault}}}\n")


def local(sink: SinkPolicy = SINK) -> Policy:
    """Give a policy of which whoever runs the test is platform admin."""
    return Policy(platform_admins=(local_user(),), sink=sink)


EVERYTHING = [
    ("apply", "--auto-approve"),
    ("apply", "--maintenance"),
    ("drift",),
    ("doctor",),
    ("adopt", "first"),
    ("rotate", "first"),
    ("audit", "verify"),
    ("audit", "acknowledge", "--accept", "--auto-approve"),
]


@pytest.mark.parametrize("argv", EVERYTHING, ids=" ".join)
def test_nothing_is_sent_to_a_server_at_another_address(
    keyrec: CommandLine, trusted: CannedServer, theirs: CannedServer, argv: tuple[str, ...]
) -> None:
    """No login, no question: it is said what the policy pins, and where the address comes from."""
    begun(keyrec, local(replace(SINK, address=trusted.address)), trusted.address, auth="")
    keyrec.set(KEYREC_VAULT_JWT="canary.jwt.text")
    assert keyrec("apply", "--auto-approve").code == 0
    keyrec.change(
        "keys/first.yaml", "Reviews: read}}", "Reviews: read}, rotation: {generation: 2}}"
    )
    configured(keyrec, theirs.address, auth="")
    answer = keyrec(*argv)
    assert theirs.received == []
    assert f"the stored policy pins {trusted.address}" in answer.both
    assert "sink.vault.address in keyrec.yaml" in answer.both
    assert answer.code != 0 or argv == ("audit", "verify")


def test_an_approved_digest_helps_nobody_who_then_changes_the_configuration(
    keyrec: CommandLine, theirs: CannedServer
) -> None:
    """The digest does not know the address; the policy does."""
    begun(keyrec, local(), PINNED, auth="")
    planned = keyrec("plan", "-json").json["digest"]
    configured(keyrec, theirs.address, auth="")
    keyrec.set(KEYREC_VAULT_JWT="canary.jwt.text")
    assert keyrec("plan", "-json").json["digest"] == planned
    answer = keyrec("apply", "--expect-digest", planned)
    assert answer.code == 4, answer.both
    assert theirs.received == []


def test_a_store_that_pins_no_address_goes_on_as_before(
    keyrec: CommandLine, theirs: CannedServer
) -> None:
    """Stores of before know the cluster's id alone, and that is what is compared."""
    begun(keyrec, local(replace(SINK, address=None)), theirs.address, auth="")
    keyrec.set(KEYREC_VAULT_JWT="canary.jwt.text")
    keyrec("apply", "--auto-approve")
    assert f"POST {LOGIN}" in theirs.targets()


def test_another_address_is_a_change_of_the_policy_and_needs_no_vault(
    keyrec: CommandLine, theirs: CannedServer
) -> None:
    """One apply for the policy, by a platform admin, although the old address answers no more."""
    begun(keyrec, local(), theirs.address, auth="")
    (keyrec.folder / "keys/first.yaml").unlink()
    keyrec.write(
        "keys/policy.yaml",
        "apiVersion: keyrec/v1\nkind: Policy\nmetadata: {name: default}\n"
        f"spec: {{sink: {{address: '{theirs.address}'}}}}\n",
    )
    answer = keyrec("apply", "--auto-approve")
    assert answer.code == 0, answer.both
    assert theirs.received == []
    keyrec.write("keys/first.yaml", KEY)
    keyrec.set(KEYREC_VAULT_JWT="canary.jwt.text")
    keyrec("apply", "--auto-approve")
    assert f"POST {LOGIN}" in theirs.targets()


def test_a_job_asks_for_no_token_that_its_vault_could_apply_with(
    keyrec: CommandLine, theirs: CannedServer
) -> None:
    """Where the address is not pinned either: GitHub is asked for the one of keyrec alone."""
    with identity_issuer() as issuer:
        policy = Policy(
            authorization=AuthorizationMode.OIDC,
            platform_admins=("github:apply",),
            issuers=(issuer.policy(),),
            sink=replace(SINK, address=None),
        )
        begun(keyrec, policy, theirs.address, auth=", audience: keyrec")
        issuer.server.answer(REQUEST, replied({"value": issuer.token()}))
        keyrec.set(
            ACTIONS_ID_TOKEN_REQUEST_URL=f"{issuer.server.address}{REQUEST}",
            ACTIONS_ID_TOKEN_REQUEST_TOKEN="canary-request",
        )
        answer = keyrec("apply", "--auto-approve")
    assert "audience of the policy's issuer github" in answer.both
    assert theirs.received == []


@pytest.mark.parametrize("argv", [("doctor",), ("drift",), ("apply", "--auto-approve")])
def test_the_environment_of_the_job_is_no_credential(
    keyrec: CommandLine, theirs: CannedServer, argv: tuple[str, ...]
) -> None:
    """Not by its own name in the file, and not behind a link of the repository."""
    begun(keyrec, local(replace(SINK, address=None)), theirs.address, auth="")
    (keyrec.folder / "token").symlink_to("/proc/self/environ")
    for named in ("/proc/self/environ", "token", "keys/../../../../../../../proc/self/environ"):
        configured(keyrec, theirs.address, auth=f", jwtFile: {json.dumps(named)}")
        answer = keyrec(*argv)
        assert answer.code in {1, 3}
        assert "sink.vault.auth.jwtFile: lies below /proc" in answer.both
    assert theirs.received == []


def test_init_pins_the_address_that_it_was_started_with(
    keyrec: CommandLine, theirs: CannedServer
) -> None:
    """In the stored policy and in its manifest; another one is refused from then on."""
    keyrec.set(VAULT_ADDR=f"{theirs.address}/", KEYREC_VAULT_JWT="canary.jwt.text")
    keyrec.set(KEYREC_VAULT_AUTH_METHOD="jwt", KEYREC_VAULT_AUTH_ROLE="r")
    answer = keyrec("init", "--sink", "vault")
    assert answer.code == 0, answer.both
    text = (keyrec.folder / "keys/policy.yaml").read_text(encoding="utf-8")
    assert f"    address: {theirs.address}\n" in text
    assert "policy/default" not in keyrec("plan", "-json").out
    sent = len(theirs.received)
    keyrec.set(VAULT_ADDR="http://127.0.0.1:1")
    assert f"the stored policy pins {theirs.address}" in keyrec("drift").both
    assert len(theirs.received) == sent
