"""The Vault sink against a real server: logins, policies, preflight, seals, what people do by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultAuth, VaultAuthMethod
from reconciler.errors import (
    KeyrecError,
    LoginFailed,
    SinkDenied,
    SinkMisconfigured,
    SinkUnavailable,
)
from reconciler.ports import CheckAndSetRefused, CheckResult, PathSeen
from tests.contracts.sink_rigs import example_policy, payload, text, vault_sink
from tests.services.jwt_issuer import JwtIssuer, new_issuer
from tests.services.vault_server import StoredVault, VaultClient

PATH = "payments/prod/billing-sync"


@pytest.fixture
def sinks(request: pytest.FixtureRequest) -> Any:
    """Give a way to open sinks; all are closed at the end."""

    def opened(client: VaultClient, mount: str, **settings: Any) -> VaultSink:
        sink = vault_sink(client, mount, **settings)
        request.addfinalizer(sink.close)
        return sink

    return opened


def with_policies(client: VaultClient, mount: str, *names: str) -> VaultClient:
    """Give a client whose token holds these example policies."""
    policies = [client.new_policy(example_policy(name, mount=mount)) for name in names]
    return client.as_token(client.new_token(*policies))


def failed(checks: tuple[CheckResult, ...]) -> list[str]:
    """Give the names of the checks that did not pass."""
    return [check.name for check in checks if not check.passed]


# The policies that ship as examples.


def test_the_apply_policy_writes_and_cannot_read_a_key(vault_client, vault_mount, sinks):
    """Not through keyrec, and not with the bare token."""
    client = with_policies(vault_client, vault_mount, "apply")
    sink = sinks(client, vault_mount)
    assert sink.write(PATH, payload(1), expected=0) == 1
    assert sink.write(PATH, payload(2), expected=1) == 2
    assert sink.observe(PATH) == PathSeen(version=2, content=None)
    assert client.status("GET", f"{vault_mount}/data/keyrec/{PATH}") == 403
    assert failed(sink.preflight()) == []


def test_the_apply_policy_alone_cannot_destroy_delete_or_leave_the_prefix(
    vault_client, vault_mount, sinks
):
    """Least privilege: each of these is a right of its own."""
    client = with_policies(vault_client, vault_mount, "apply")
    sink = sinks(client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    with pytest.raises(SinkDenied):
        sink.destroy(PATH, [1])
    assert client.status("DELETE", f"{vault_mount}/metadata/keyrec/{PATH}") == 403
    assert client.status("DELETE", f"{vault_mount}/data/keyrec/{PATH}") == 403
    assert client.status("POST", f"{vault_mount}/data/other", {"data": {}}) == 403


def test_the_destroy_policy_beside_it_destroys(vault_client, vault_mount, sinks):
    """By explicit version; the count stays."""
    client = with_policies(vault_client, vault_mount, "apply", "apply-destroy")
    sink = sinks(client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    sink.destroy(PATH, [1])
    assert vault_client.status("GET", f"{vault_mount}/data/keyrec/{PATH}") == 404
    assert sink.observe(PATH).version == 1


def test_the_read_policy_beside_it_reads_keys_back(vault_client, vault_mount, sinks):
    """Optional; then a rollback can be told from a stranger's write."""
    client = with_policies(vault_client, vault_mount, "apply", "apply-read")
    sink = sinks(client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    content = sink.observe(PATH).content
    assert content is not None
    assert content.api_key.reveal() == text(1)


def test_the_plan_policy_sees_versions_and_can_write_nothing(vault_client, vault_mount, sinks):
    """A pull request's job cannot touch a secret."""
    sinks(vault_client, vault_mount).write(PATH, payload(1), expected=0)
    client = with_policies(vault_client, vault_mount, "plan")
    sink = sinks(client, vault_mount)
    assert sink.observe(PATH) == PathSeen(version=1, content=None)
    with pytest.raises(SinkDenied):
        sink.write(PATH, payload(2), expected=1)
    with pytest.raises(SinkDenied):
        sink.write_anchor("{}", expected=0)
    assert client.status("GET", f"{vault_mount}/data/keyrec/{PATH}") == 403
    assert failed(sink.preflight()) == ["vault rights"]


@pytest.mark.parametrize("policy", ["apply", None])
def test_a_deleted_anchor_is_told_from_one_that_never_was(vault_client, vault_mount, sinks, policy):
    """Whoever deletes it does not make a restored store look like a new one."""
    client = with_policies(vault_client, vault_mount, policy) if policy else vault_client
    sink = sinks(client, vault_mount)
    assert sink.read_anchor() == (0, "")
    sink.write_anchor("{}", expected=0)
    vault_client.call("DELETE", f"{vault_mount}/data/keyrec/_keyrec/anchor")
    assert sink.read_anchor() == (1, "")
    assert sink.write_anchor("{}", expected=0) == CheckAndSetRefused()
    assert sink.write_anchor("{}", expected=1) == 2
    assert sink.read_anchor() == (2, "{}")


def test_the_consumer_policy_reads_one_key_and_nothing_else(vault_client, vault_mount, sinks):
    """An application's own path."""
    sink = sinks(vault_client, vault_mount)
    sink.write("payments/prod/billing-sync-prod", payload(1), expected=0)
    sink.write("payments/prod/other", payload(2), expected=0)
    client = with_policies(vault_client, vault_mount, "consumer")
    own = client.call("GET", f"{vault_mount}/data/keyrec/payments/prod/billing-sync-prod")
    assert own["data"]["data"]["api_key"] == text(1)
    assert client.status("GET", f"{vault_mount}/data/keyrec/payments/prod/other") == 403


# Logins.


@pytest.fixture
def approle(vault_client: VaultClient, vault_mount: str) -> VaultAuth:
    """Give an AppRole with the apply policy; its tokens live half a minute."""
    if "approle/" not in vault_client.call("GET", "sys/auth")["data"]:
        vault_client.call("POST", "sys/auth/approle", {"type": "approle"})
    policy = vault_client.new_policy(example_policy("apply", mount=vault_mount))
    role = f"auth/approle/role/{vault_mount}"
    vault_client.call("POST", role, {"token_policies": [policy], "token_ttl": "30s"})
    role_id = vault_client.call("GET", f"{role}/role-id")["data"]["role_id"]
    secret_id = vault_client.call("POST", f"{role}/secret-id", {})["data"]["secret_id"]
    return VaultAuth(
        method=VaultAuthMethod.APPROLE,
        mount="approle",
        role_id=role_id,
        secret_id=SecretStr(secret_id),
    )


def accessors(client: VaultClient) -> set[str]:
    """Give the accessors of all living tokens."""
    return set(client.call("LIST", "auth/token/accessors")["data"]["keys"])


def test_approle_logs_in_and_gives_its_token_back(vault_client, vault_mount, sinks, approle):
    """After the run there is no token more than before."""
    before = accessors(vault_client)
    sink = sinks(vault_client, vault_mount, auth=approle)
    assert sink.write(PATH, payload(), expected=0) == 1
    assert len(accessors(vault_client) - before) == 1
    assert failed(sink.preflight()) == []
    sink.close()
    assert accessors(vault_client) == before


def test_a_token_revoked_by_somebody_is_replaced_within_the_run(
    vault_client, vault_mount, sinks, approle
):
    """The write that met it is done all the same, once."""
    before = accessors(vault_client)
    sink = sinks(vault_client, vault_mount, auth=approle)
    sink.write(PATH, payload(1), expected=0)
    (mine,) = accessors(vault_client) - before
    vault_client.call("POST", "auth/token/revoke-accessor", {"accessor": mine})
    assert sink.write(PATH, payload(2), expected=1) == 2
    assert sink.observe(PATH).version == 2
    sink.close()
    assert accessors(vault_client) == before


def test_a_token_that_was_given_still_works_after_the_run(vault_client, vault_mount, sinks):
    """It is not ours to revoke."""
    client = with_policies(vault_client, vault_mount, "apply")
    sink = sinks(client, vault_mount)
    sink.write(PATH, payload(), expected=0)
    sink.close()
    assert client.status("GET", "auth/token/lookup-self") == 200


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> JwtIssuer:
    """Give an issuer of identity tokens."""
    return new_issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
def jwt_mount(vault_client: VaultClient, vault_mount: str, issuer: JwtIssuer) -> str:
    """Give a JWT login with a role `keyrec-apply` for one audience and one branch."""
    mount = f"jwt-{vault_mount}"
    vault_client.call("POST", f"sys/auth/{mount}", {"type": "jwt"})
    keys = {"jwt_validation_pubkeys": [issuer.public_key], "bound_issuer": "https://ci.test"}
    vault_client.call("POST", f"auth/{mount}/config", keys)
    policy = vault_client.new_policy(example_policy("apply", mount=vault_mount))
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["https://vault.test"],
        "bound_claims": {"ref": "refs/heads/main"},
        "token_policies": [policy],
        "token_ttl": "5m",
    }
    vault_client.call("POST", f"auth/{mount}/role/keyrec-apply", role)
    return mount


def jwt_auth(mount: str, token: str) -> VaultAuth:
    """Give the login of a CI job."""
    return VaultAuth(
        method=VaultAuthMethod.JWT, mount=mount, role="keyrec-apply", jwt=SecretStr(token)
    )


def claims(**changed: Any) -> dict[str, Any]:
    """Give the claims of a job on the main branch, five minutes from now on."""
    now = int(time.time())
    usual = {"iss": "https://ci.test", "sub": "job", "aud": "https://vault.test"}
    return usual | {"iat": now, "exp": now + 300, "ref": "refs/heads/main"} | changed


def test_jwt_logs_in_writes_and_gives_its_token_back(
    vault_client, vault_mount, sinks, issuer, jwt_mount
):
    """What a CI job does, from its identity token to the revocation."""
    before = accessors(vault_client)
    auth = jwt_auth(jwt_mount, issuer.signed(**claims()))
    sink = sinks(vault_client, vault_mount, auth=auth)
    assert sink.write(PATH, payload(), expected=0) == 1
    assert failed(sink.preflight()) == []
    sink.close()
    assert accessors(vault_client) == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"aud": "https://other.test"}, "audience"),
        ({"ref": "refs/heads/attack"}, "claim"),
        ({"exp": 1}, "expired"),
    ],
)
def test_a_jwt_that_does_not_fit_is_refused_with_vaults_reason(  # noqa: PLR0917 - fixtures
    vault_client, vault_mount, sinks, issuer, jwt_mount, changed, words
):
    """Nobody could find out which claim it was otherwise; the token itself is not shown."""
    token = issuer.signed(**claims(**changed))
    sink = sinks(vault_client, vault_mount, auth=jwt_auth(jwt_mount, token))
    with pytest.raises(LoginFailed) as met:
        sink.write(PATH, payload(), expected=0)
    assert words in met.value.message
    assert not any(part in met.value.message for part in token.split("."))


def test_a_wrong_token_is_denied_with_advice(vault_client, vault_mount, sinks):
    """One readable error."""
    sink = sinks(vault_client.as_token("hvs.wrong"), vault_mount)
    with pytest.raises(SinkDenied) as met:
        sink.write(PATH, payload(), expected=0)
    assert "token" in met.value.advice
    assert "vault token" in failed(sink.preflight())


# The preflight.


def test_a_mount_that_lets_versions_vanish_fails_the_preflight(vault_client, vault_mount, sinks):
    """A live key's only copy would be deleted by time."""
    vault_client.call("POST", f"{vault_mount}/config", {"delete_version_after": "1h"})
    checks = sinks(vault_client, vault_mount).preflight()
    assert failed(checks) == ["vault versions last"]
    assert "delete_version_after=0s" in next(c.advice for c in checks if not c.passed)


def test_a_mount_of_version_1_or_none_fails_the_preflight(vault_client, sinks):
    """Version 1 has no check-and-set at all."""
    old = vault_client.new_mount(options={"version": "1"})
    assert "vault mount" in failed(sinks(vault_client, old).preflight())
    assert "vault mount" in failed(sinks(vault_client, "nowhere").preflight())


def test_a_token_about_to_end_fails_the_preflight(vault_client, vault_mount, sinks):
    """The run might not come to its end with it."""
    policy = vault_client.new_policy(example_policy("apply", mount=vault_mount))
    client = vault_client.as_token(vault_client.new_token(policy, ttl="60s"))
    assert failed(sinks(client, vault_mount).preflight()) == ["vault token"]


def test_a_policy_for_one_workspace_passes_the_preflight(vault_client, vault_mount, sinks):
    """A job may be bound to its workspace's keys, besides keyrec's own paths."""
    text = example_policy("apply", mount=vault_mount)
    own, keys = "keyrec/_keyrec/*", "keyrec/payments/*"
    bound = text.replace("keyrec/*", keys) + text.replace("keyrec/*", own)
    client = vault_client.as_token(vault_client.new_token(vault_client.new_policy(bound)))
    sink = sinks(client, vault_mount)
    assert failed(sink.preflight()) == []
    assert sink.write(PATH, payload(), expected=0) == 1
    with pytest.raises(SinkDenied):
        sink.write("other/prod/x", payload(), expected=0)


# What people and time do.


def test_a_write_to_a_mount_that_is_not_there_is_refused(vault_client, sinks):
    """Definitely not done; the advice names the mount."""
    with pytest.raises(SinkMisconfigured) as met:
        sinks(vault_client, "nowhere").write(PATH, payload(), expected=0)
    assert "mount" in met.value.advice


def test_a_soft_deleted_version_keeps_the_count(vault_client, vault_mount, sinks):
    """After `vault kv delete` a write with 0 is refused, as it must be."""
    sink = sinks(vault_client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    vault_client.call("DELETE", f"{vault_mount}/data/keyrec/{PATH}")
    assert sink.observe(PATH) == PathSeen(version=1, content=None, is_gone=True)
    assert sink.write(PATH, payload(2), expected=0) == CheckAndSetRefused()
    assert sink.write(PATH, payload(2), expected=1) == 2


def test_a_rollback_is_seen_as_a_new_version_with_the_old_value(vault_client, vault_mount, sinks):
    """`vault kv rollback` writes the old data again."""
    sink = sinks(vault_client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    sink.write(PATH, payload(2), expected=1)
    target = f"{vault_mount}/data/keyrec/{PATH}"
    old = vault_client.call("GET", f"{target}?version=1")["data"]["data"]
    vault_client.call("POST", target, {"data": old})
    seen = sink.observe(PATH)
    assert seen.version == 3
    assert seen.content is not None
    assert seen.content.version_id == payload(1).version_id


def test_a_path_whose_metadata_was_deleted_starts_at_0(vault_client, vault_mount, sinks):
    """Only somebody else does that; it is seen for what it is."""
    sink = sinks(vault_client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    vault_client.call("DELETE", f"{vault_mount}/metadata/keyrec/{PATH}")
    assert sink.observe(PATH) == PathSeen(version=0, content=None)


def test_a_strangers_value_is_a_version_without_content(vault_client, vault_mount, sinks):
    """It is not ours to show."""
    target = f"{vault_mount}/data/keyrec/{PATH}"
    vault_client.call("POST", target, {"data": {"password": "canary"}})
    seen = sinks(vault_client, vault_mount).observe(PATH)
    assert seen == PathSeen(version=1, content=None, is_foreign=True)


def test_a_version_that_will_be_deleted_later_is_not_gone_yet(vault_client, vault_mount, sinks):
    """The path's own setting names a time to come; without a clock nothing is concluded of it."""
    client = with_policies(vault_client, vault_mount, "apply")
    settings = {"delete_version_after": "1h"}
    vault_client.call("POST", f"{vault_mount}/metadata/keyrec/{PATH}", settings)
    sink = sinks(client, vault_mount)
    sink.write(PATH, payload(1), expected=0)
    assert sink.observe(PATH) == PathSeen(version=1, content=None)


def test_a_mount_that_wants_check_and_set_is_served(vault_client, vault_mount, sinks):
    """`cas_required` keeps every other tool from blind overwrites; keyrec is never one of them."""
    vault_client.call("POST", f"{vault_mount}/config", {"cas_required": True})
    assert sinks(vault_client, vault_mount).write(PATH, payload(), expected=0) == 1


def test_a_sealed_vault_takes_nothing_and_goes_on_after_the_unseal(stored_vault, sinks):
    """Definite, with the advice to unseal; the same sink works afterwards, and after a restart."""
    stored: StoredVault = stored_vault
    mount = stored.client.new_mount()
    sink = sinks(stored.client, mount, max_retries=0)
    identity = sink.identity()
    sink.write(PATH, payload(1), expected=0)
    stored.seal()
    with pytest.raises(SinkUnavailable) as met:
        sink.write(PATH, payload(2), expected=1)
    assert "Unseal" in met.value.advice
    assert failed(sinks(stored.client, mount).preflight()) == ["vault"]
    stored.unseal()
    assert sink.write(PATH, payload(2), expected=1) == 2
    stored.stop()
    with pytest.raises(SinkUnavailable):
        sink.write(PATH, payload(3), expected=2)
    stored.start()
    stored.unseal()
    assert sink.write(PATH, payload(3), expected=2) == 3
    assert sinks(stored.client, mount).identity() == identity


def test_an_address_where_no_vault_answers_is_one_error(sinks):
    """With the address to check."""
    client = VaultClient(address="http://127.0.0.1:1", token="x")
    sink = sinks(client, "secret", max_retries=0)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: sink.observe(PATH),
        lambda: sink.write(PATH, payload(), expected=0),
    )
    for attempt in attempts:
        with pytest.raises(KeyrecError) as met:
            attempt()
        assert "VAULT_ADDR" in met.value.advice
    assert failed(sink.preflight()) == ["vault"]
