"""Where keyrec may reach in Vault: the address, and the list of calls."""

from __future__ import annotations

import pytest

from reconciler.adapters.vault_place import Place, authority_of, endpoint_of
from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultSettings
from reconciler.errors import SinkMisconfigured
from reconciler.model.vault_address import Endpoint

PLACE = Place(mount="secret", prefix="keyrec")


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("https://vault.example:8200", Endpoint(host="vault.example", port=8200, is_tls=True)),
        ("https://vault.example/", Endpoint(host="vault.example", port=443, is_tls=True)),
        ("http://127.0.0.1:8200", Endpoint(host="127.0.0.1", port=8200, is_tls=False)),
        ("http://[::1]:8200", Endpoint(host="::1", port=8200, is_tls=False)),
        ("http://localhost:8200", Endpoint(host="localhost", port=8200, is_tls=False)),
    ],
)
def test_an_address_names_host_port_and_tls(address, endpoint):
    """TLS anywhere, plain http only to this machine."""
    assert endpoint_of(address) == endpoint


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "No address"),
        ("", "No address"),
        ("vault.example:8200", "not of the form"),
        ("unix:///run/vault.sock", "not of the form"),
        ("https://", "not of the form"),
        ("https://vault.example:port", "not of the form"),
        ("https://[::1", "not of the form"),
        ("https://user:canary@vault.example", "not of the form"),
        ("https://vault.example/v1", "not of the form"),
        ("https://vault.example?x=1", "not of the form"),
        ("https://vault.example#x", "not of the form"),
        ("http://vault.example:8200", "plain http to vault.example"),
        ("http://10.0.0.1:8200", "plain http to 10.0.0.1"),
        ("http://127.0.0.1.example:8200", "plain http to 127.0.0.1.example"),
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused_with_advice(address, words):
    """No default address, nothing but an origin, no secret over plain http."""
    with pytest.raises(SinkMisconfigured) as refused:
        endpoint_of(address)
    assert words in refused.value.message
    assert "canary" not in refused.value.message
    assert refused.value.advice


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://vault.example:8200", "vault.example:8200"),
        ("https://vault.example", "vault.example"),
        ("https://пример.рф:8200", "xn--e1afmkfd.xn--p1ai:8200"),
        ("https://пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("https://ü.example:1", "xn--tda.example:1"),
        ("https://[2001:db8::1]:8200", "[2001:db8::1]:8200"),
        ("https://[2001:db8::1]", "[2001:db8::1]"),
        ("https://10.0.0.1:8200", "10.0.0.1:8200"),
    ],
)
def test_a_request_names_its_host_in_ascii_and_its_port_beside_it(address, host):
    """The port is no part of the name that is encoded."""
    assert authority_of(endpoint_of(address)) == host


@pytest.mark.parametrize("address", ["https://ü..example:1", f"https://{'ü' * 63}.example"])
def test_a_host_that_cannot_be_written_in_ascii_is_refused_with_advice(address):
    """Before anything is sent, as with every other address that cannot be used."""
    settings = VaultSettings(address=address)
    with pytest.raises(SinkMisconfigured) as refused:
        VaultSink(settings, mount="secret", prefix="keyrec", parallelism=1)
    assert "no name of a server" in refused.value.message
    assert "VAULT_ADDR" in refused.value.advice


@pytest.mark.parametrize(
    "target",
    [
        "/v1/secret/data/keyrec/payments/prod/x",
        "/v1/secret/metadata/keyrec/payments/prod/x",
        "/v1/secret/destroy/keyrec/payments/prod/x",
        "/v1/secret/data/keyrec/_keyrec/anchor",
        "/v1/secret/config",
        "/v1/sys/health",
        "/v1/sys/capabilities-self",
        "/v1/sys/internal/ui/mounts/secret",
        "/v1/auth/token/lookup-self",
        "/v1/auth/token/renew-self",
        "/v1/auth/token/revoke-self",
        "/v1/auth/jwt/login",
        "/v1/auth/team/jwt/login",
    ],
)
def test_a_call_of_the_list_is_permitted(target):
    """Exactly what the sink needs."""
    assert PLACE.permits(target)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/sys/policies/acl/x",
        "/v1/sys/seal",
        "/v1/auth/token/create",
        "/v1/auth/../sys/x/login",
        "/v1/secret/data/other/x",
        "/v1/secret/data/keyrec",
        "/v1/secret/data/keyrec/",
        "/v1/secret/data/keyrec/../../../sys/policies/acl/x",
        "/v1/secret/data/keyrec/payments/./x",
        "/v1/secret/data/keyrec/payments//x",
        "/v1/secret/data/keyrec/payments/x?version=1",
        "/v1/secret/data/keyrec/payments%2fx",
        "/v1/secret/delete/keyrec/payments/x",
        "/v1/secret/undelete/keyrec/payments/x",
        "/v1/secret2/data/keyrec/payments/x",
        "/v1/secret/config/",
        "/v1/sys/internal/ui/mounts/other",
        "https://elsewhere.example/v1/secret/data/keyrec/payments/x",
        "//elsewhere.example/v1/secret/data/keyrec/payments/x",
    ],
)
def test_every_other_call_is_not(target):
    """Whatever a library makes of a path, it stays below the pinned mount and prefix."""
    assert not PLACE.permits(target)


def test_without_prefix_keys_stand_directly_in_the_mount():
    """An empty prefix is a choice, not a hole."""
    place = Place(mount="team/kv", prefix="")
    assert place.below("payments/x") == "payments/x"
    assert place.anchor == "_keyrec/anchor"
    assert place.permits("/v1/team/kv/data/payments/x")
    assert not place.permits("/v1/team/kv/data/../x")


@pytest.mark.parametrize(
    ("mount", "prefix"),
    [("", "keyrec"), ("/secret", "keyrec"), ("secret/", ""), ("se cret", ""), ("secret", "../x")],
)
def test_a_mount_or_prefix_that_is_no_path_is_refused(mount, prefix):
    """The policy pins both; neither may leave its place."""
    with pytest.raises(SinkMisconfigured):
        Place(mount=mount, prefix=prefix)
