"""What the stored policy trusts of Vault, judged before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from reconciler.adapters.vault_trust import require_trusted
from reconciler.config import VaultAuth, VaultAuthMethod, VaultSettings
from reconciler.errors import SinkMisconfigured
from reconciler.model.policy import Issuer, Policy, SinkKind, SinkPolicy

PINNED = "https://vault.example:8200"
POLICY = Policy(
    issuers=(
        Issuer(name="gitlab", url="https://gitlab.example", audience="keyrec-gitlab"),
        Issuer(name="github", url="https://github.example", audience="keyrec"),
    ),
    sink=SinkPolicy(kind=SinkKind.VAULT, mount="secret", prefix="keyrec", address=PINNED),
)
UNPINNED = replace(POLICY, sink=replace(POLICY.sink, address=None))
ASKING = VaultAuth(method=VaultAuthMethod.JWT, mount="jwt", role="keyrec", audience="keyrec")


def refused(policy: Policy = POLICY, **settings: object) -> SinkMisconfigured:
    """Give the refusal."""
    with pytest.raises(SinkMisconfigured) as met:
        require_trusted(VaultSettings(**settings), policy)  # type: ignore[arg-type]  # fields
    return met.value


@pytest.mark.parametrize("address", [PINNED, f"{PINNED}/", "https://VAULT.example:8200"])
def test_the_pinned_address_is_trusted_however_it_is_written(address: str) -> None:
    """Scheme, host and port are what counts."""
    require_trusted(VaultSettings(address=address), POLICY)


@pytest.mark.parametrize(
    "address", ["https://vault.example", "https://evil.example:8200", "http://127.0.0.1:8200", None]
)
def test_another_address_is_refused(address: str | None) -> None:
    """And so is none; a policy that pins none takes any."""
    assert refused(address=address).advice
    require_trusted(VaultSettings(address=address), UNPINNED)


def test_it_is_said_where_the_address_comes_from_and_what_the_policy_pins() -> None:
    """The file and the environment are mended in different places."""
    error = refused(address="https://evil.example", from_file=frozenset({"address"}))
    assert error.message == (
        "Vault is to be reached at https://evil.example (sink.vault.address in keyrec.yaml), but "
        f"the stored policy pins {PINNED}: nothing was sent."
    )
    assert "spec.sink.address" in error.advice
    assert "(VAULT_ADDR or BAO_ADDR)" in refused(address="https://evil.example").message


@pytest.mark.parametrize("proof", ["caCert", "caPath", "tlsServerName"])
def test_a_file_cannot_put_a_proxy_in_the_pinned_vaults_place(proof: str) -> None:
    """Whoever answers there would show a certificate that the same file calls sound."""
    both = frozenset({"proxyAddress", proof})
    error = refused(address=PINNED, from_file=both)
    assert proof in error.message
    assert "VAULT_PROXY_ADDR" in error.advice
    for one in both:
        require_trusted(VaultSettings(address=PINNED, from_file=frozenset({one})), POLICY)
    require_trusted(VaultSettings(address=PINNED, from_file=both), UNPINNED)


@pytest.mark.parametrize("policy", [POLICY, UNPINNED], ids=["pinned", "unpinned"])
@pytest.mark.parametrize("audience", ["keyrec", "keyrec-gitlab", " keyrec "])
def test_no_token_is_asked_for_that_keyrec_itself_believes(policy: Policy, audience: str) -> None:
    """Whoever takes it in could apply with it."""
    error = refused(policy, address=PINNED, auth=replace(ASKING, audience=audience))
    assert "audience" in error.message
    assert "sink.vault.auth.audience" in error.advice


@pytest.mark.parametrize(
    "auth",
    [
        replace(ASKING, audience=PINNED),
        replace(ASKING, audience=None),
        replace(ASKING, jwt=SecretStr("given")),
        replace(ASKING, jwt_file="given"),
        replace(ASKING, method=VaultAuthMethod.KUBERNETES),
    ],
    ids=["its own", "none", "a given token", "a given file", "another login"],
)
def test_a_token_for_vault_alone_and_one_that_was_given_are_shown(auth: VaultAuth) -> None:
    """The audience is a matter of what is asked for."""
    require_trusted(VaultSettings(address=PINNED, auth=auth), POLICY)
