"""Connections to Vault: kept, shared, opened again, encrypted as configured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from reconciler.adapters.vault_sink import VaultSink
from reconciler.adapters.vault_timing import Pace
from reconciler.config import VaultSettings, VaultTls
from reconciler.errors import SinkMisconfigured, SinkUnavailable
from tests.adapters.vault_rigs import DATA, HEALTH, HEALTHY, Hours, opened, written
from tests.contracts.sink_rigs import payload
from tests.services.canned import Reply, canned, replied
from tests.services.certificates import SERVER_NAME, Certificates, made_certificates

ROOM_FOR_ONE = Reply(body=b"x" * (5 * 1024 * 1024))


def test_a_connection_is_used_again():
    """One handshake, many writes."""
    with canned() as server, opened(server.address) as sink:
        server.answer(DATA, written(1))
        for number in range(5):
            sink.write(f"payments/x{number}", payload(), expected=0)
        assert {request.connection for request in server.received} == {1}


def test_at_most_as_many_connections_are_open_as_writes_run_in_parallel():
    """Sixteen threads, three connections."""
    with canned() as server, opened(server.address, parallelism=3) as sink:
        server.answer(DATA, written(1))
        with ThreadPoolExecutor(16) as threads:
            paths = [f"payments/x{number}" for number in range(64)]
            results = threads.map(lambda path: sink.write(path, payload(), expected=0), paths)
            assert list(results) == [1] * 64
        assert len(server.open) <= 3


def test_a_connection_that_the_server_announced_to_close_is_not_used_again():
    """`Connection: close`."""
    with canned() as server, opened(server.address) as sink:
        closing = Reply(body=written(1).body, headers={"Connection": "close"})
        server.answer(DATA, closing)
        sink.write("payments/a", payload(), expected=0)
        sink.write("payments/b", payload(), expected=0)
        assert [request.connection for request in server.received] == [1, 2]


def test_a_connection_that_was_closed_while_it_was_idle_is_opened_again_before_sending():
    """A restarted server between two writes loses none of them."""
    with canned() as server, opened(server.address) as sink:
        server.answer(DATA, written(1))
        sink.write("payments/a", payload(), expected=0)
        server.drop_connections()
        assert sink.write("payments/b", payload(), expected=0) == 1
        assert len(server.received) == 2


def test_an_answer_without_end_is_not_read_to_its_end():
    """Some megabytes are more than Vault ever says."""
    with canned() as server, opened(server.address, max_retries=0) as sink:
        server.answer(HEALTH, ROOM_FOR_ONE)
        with pytest.raises(SinkUnavailable) as met:
            sink.identity()
    assert "too long" in met.value.message


def test_a_rate_limit_spreads_requests_evenly():
    """Ten a second is one every tenth of a second, for all threads together."""
    hours = Hours()
    pace = Pace(10.0, hours.timing)
    for _ in range(4):
        pace()
    assert hours.pauses == pytest.approx([0.1, 0.1, 0.1])
    hours.seconds += 5.0
    pace()
    assert len(hours.pauses) == 3


def test_a_rate_limit_of_the_settings_is_kept():
    """The sink's requests go through it."""
    hours = Hours()
    with canned() as server, opened(server.address, hours=hours, rate_limit=2.0) as sink:
        server.answer(DATA, written(1))
        sink.write("payments/a", payload(), expected=0)
        sink.write("payments/b", payload(), expected=0)
    assert hours.pauses == [0.5]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give a set of certificates."""
    return made_certificates(tmp_path_factory.mktemp("certificates"))


def test_a_server_is_trusted_by_the_named_authority_and_name(certificates):
    """VAULT_CACERT, or its bytes, and VAULT_TLS_SERVER_NAME are really used."""
    authority = certificates.file("ca.pem")
    with canned(certificates.server()) as server:
        server.answer(HEALTH, HEALTHY)
        for tls in (
            VaultTls(ca_cert=authority, server_name=SERVER_NAME),
            VaultTls(ca_cert_bytes=Path(authority).read_text(), server_name=SERVER_NAME),
            VaultTls(
                ca_cert_bytes=Path(authority).read_text(),
                ca_cert="nowhere",
                server_name=SERVER_NAME,
            ),
            VaultTls(skip_verify=True),
        ):
            with opened(server.address, tls=tls) as sink:
                assert sink.identity().startswith("vault:cluster-1/")


def test_a_server_that_cannot_prove_itself_is_sent_nothing(certificates):
    """Another authority, the system's own, another name: no request, no token."""
    with canned(certificates.server()) as server:
        server.answer("/", HEALTHY)
        for tls in (
            VaultTls(ca_cert=certificates.file("other.pem"), server_name=SERVER_NAME),
            VaultTls(server_name=SERVER_NAME),
            VaultTls(ca_cert=certificates.file("ca.pem"), server_name="other.test"),
            VaultTls(ca_cert=certificates.file("ca.pem")),
        ):
            with opened(server.address, tls=tls) as sink:
                with pytest.raises(SinkUnavailable) as met:
                    sink.write("payments/a", payload(), expected=0)
                assert "certificate is not trusted" in met.value.message
        assert server.received == []


def test_a_client_certificate_is_shown_where_the_server_asks(certificates):
    """VAULT_CLIENT_CERT and VAULT_CLIENT_KEY."""
    trusting = {"ca_cert": certificates.file("ca.pem"), "server_name": SERVER_NAME}
    shown = {
        "client_cert": certificates.file("client.pem"),
        "client_key": certificates.file("client.key"),
    }
    with canned(certificates.server(asks_client=True)) as server:
        server.answer(HEALTH, HEALTHY)
        with opened(server.address, tls=VaultTls(**trusting, **shown)) as sink:
            assert sink.identity()
        nothing_shown = opened(server.address, tls=VaultTls(**trusting), max_retries=0)
        with nothing_shown as sink, pytest.raises(SinkUnavailable):
            sink.identity()


@pytest.mark.parametrize(
    "tls",
    [
        VaultTls(ca_cert="nowhere.pem"),
        VaultTls(ca_cert_bytes="no certificate"),
        VaultTls(client_cert="nowhere.pem", client_key="nowhere.key"),
    ],
)
def test_files_that_cannot_be_used_are_named_before_anything_is_sent(tls):
    """The advice lists the variables."""
    settings = VaultSettings(address="https://127.0.0.1:1", tls=tls)
    with pytest.raises(SinkMisconfigured) as met:
        VaultSink(settings, mount="secret", prefix="keyrec", parallelism=1)
    assert "VAULT_CACERT" in met.value.advice


def test_a_proxy_is_used_where_it_is_named_with_its_password(certificates):
    """A tunnel, so that the proxy sees neither token nor secret."""
    tls = VaultTls(ca_cert=certificates.file("ca.pem"), server_name=SERVER_NAME)
    with canned() as proxy:
        proxy.answer("", replied({}, 403))
        address = SecretStr(f"http://user:canary@127.0.0.1:{proxy.port}")
        behind_it = opened("https://vault.test:8200", tls=tls, proxy=address, max_retries=0)
        with behind_it as sink, pytest.raises(SinkUnavailable) as met:
            sink.write("payments/a", payload(), expected=0)
        (request,) = proxy.received
    assert "canary" not in met.value.message
    assert (request.method, request.target) == ("CONNECT", "vault.test:8200")
    assert request.headers["Proxy-Authorization"] == "Basic dXNlcjpjYW5hcnk="
    assert "X-Vault-Token" not in request.headers


def test_a_proxy_of_the_environment_is_not_followed(monkeypatch):
    """Only VAULT_PROXY_ADDR counts."""
    with canned() as proxy, canned() as server:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        server.answer(HEALTH, HEALTHY)
        with opened(server.address) as sink:
            assert sink.identity()
        assert proxy.received == []


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:1", "http://", "http://[::1", "proxy:80"])
def test_a_proxy_without_usable_address_is_refused(address):
    """Never silently left out."""
    settings = VaultSettings(address="https://vault.test", proxy=SecretStr(address))
    with pytest.raises(SinkMisconfigured):
        VaultSink(settings, mount="secret", prefix="keyrec", parallelism=1)
