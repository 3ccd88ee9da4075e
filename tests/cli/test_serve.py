"""`keyrec serve` answers over real sockets, and stops without losing what it was told."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import pytest

import reconciler.server
from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.system import SystemClock
from reconciler.bootstrap.serving import ServeWish, forwarding_of, wished
from reconciler.config import ServerSettings
from reconciler.errors import ConfigInvalid
from reconciler.model.uses import UseKind
from tests.fakes.command_line import CommandLine
from tests.services.certificates import Certificates, made_certificates
from tests.services.endpoint import Endpoint, is_gone, serving, wait_for

KEY_FILE = "keys/demo/hello-dev.yaml"


@pytest.fixture
def key(applied: CommandLine) -> str:
    """Give the text of a key that may read reviews and ask about keys."""
    applied.change(KEY_FILE, "Reviews: read", "Reviews: read\n    Introspection: use")
    assert applied("apply", "--auto-approve").code == 0
    return applied.secret_at("demo/dev/hello-dev.1")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give an authority, and a server's certificate."""
    return made_certificates(tmp_path_factory.mktemp("certificates"))


def refuses_connections(endpoint: Endpoint) -> bool | None:
    """Whether nobody listens any more."""
    try:
        connection = endpoint.connect()
    except OSError:
        return True
    connection.close()
    return None


def test_it_answers_and_stops_and_reports_the_last_use(applied, key) -> None:
    """SIGTERM ends it with 0; what it saw is in the store; its log holds no key."""
    with serving(applied, "--port", "0") as endpoint:
        reply = endpoint("/v1/authorize?require=Reviews:read", key=key)
        assert (reply.status, reply.headers["x-auth-key-name"]) == (200, "hello-dev")
        assert reply.headers["server"] is None
        assert endpoint("/v1/authorize?require=Reviews:operate", key=key).status == 403
        assert endpoint().status == 401
        assert endpoint("/readyz").json == {"status": "ready"}
        assert endpoint.stop() == 0
    log = "".join(endpoint.lines)
    assert "outcome=insufficient-scope" in log
    assert key not in log
    version_id = reply.headers["x-auth-key-version"]
    store = SqlStore(f"sqlite:///{applied.folder}/.keyrec/keys.db", clock=SystemClock())
    with contextlib.closing(store):
        marks = store.use_marks(frozenset({version_id}))
    seen = {(mark.kind, mark.subject) for mark in marks}
    assert {(UseKind.ORIGIN, "127.0.0.1"), (UseKind.SCOPE, "Reviews:read")} <= seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_being_asked_is_answered_before_it_stops(applied, key, number) -> None:
    """New connections are refused meanwhile."""
    body = json.dumps({"token": key}).encode()
    with serving(applied, "--port", "0") as endpoint, endpoint.connect().sock as talk:
        talk.sendall(
            b"POST /v1/introspect HTTP/1.1\r\nHost: keyrec\r\nContent-Type: application/json\r\n"
            + f"Expect: 100-continue\r\nX-API-Key: {key}\r\n".encode()
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        assert talk.recv(1000).startswith(b"HTTP/1.1 100 ")
        endpoint.process.send_signal(number)
        assert wait_for(lambda: refuses_connections(endpoint))
        talk.sendall(body)
        answer = b"".join(iter(lambda: talk.recv(65536), b""))
        assert endpoint.process.wait(60) == 0
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"active": true' in answer


def test_several_workers_share_a_port_and_their_counts_add_up(applied, key) -> None:
    """Whichever is asked for metrics; one that is killed is replaced; all end together."""
    with serving(applied, "--port", "0", "--workers", "2") as endpoint:
        endpoint.wait_until_ready(2)
        assert [endpoint(key=key).status for _ in range(30)] == [200] * 30
        counted = 'keyrec_verdicts_total{asked="authorize",outcome="allowed"} 30.0\n'
        assert counted in endpoint("/metrics").body.decode()
        workers = [child for child in endpoint.children() if is_worker(child)]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        assert wait_for(lambda: is_gone(workers[0]) or None)
        assert endpoint(key=key).status == 200
        assert wait_for(lambda: others(endpoint, workers[:1], 2))
        now = others(endpoint, workers[:1], 2) or []
        assert endpoint.stop() == 0
    assert all(is_gone(worker) for worker in now)
    assert key not in "".join(endpoint.lines)


def others(endpoint: Endpoint, without: list[int], number: int) -> list[int] | None:
    """Give the workers but some, once there are so many."""
    found = [child for child in endpoint.children() if is_worker(child) and child not in without]
    return found if len(found) == number else None


def is_worker(child: int) -> bool:
    """Whether a process answers requests, and is not one of Python's own helpers."""
    with contextlib.suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    return False


def test_a_worker_that_cannot_start_while_the_store_is_away_ends_nothing(applied, key) -> None:
    """The others go on; it is tried again until the store is back."""
    store = applied.folder / ".keyrec" / "keys.db"
    with serving(applied, "--port", "0", "--workers", "2") as endpoint:
        endpoint.wait_until_ready(2)
        first = others(endpoint, [], 2) or []
        away = {part: part.with_name(f"away-{part.name}") for part in store.parent.glob("keys.db*")}
        for part, elsewhere in away.items():
            part.rename(elsewhere)
        os.kill(first[0], signal.SIGKILL)
        wait_for(lambda: "there is no store yet" in "".join(endpoint.lines) or None)
        assert not is_gone(first[1])
        for part, elsewhere in away.items():
            elsewhere.rename(part)
        endpoint.wait_until_ready(2)
        assert wait_for(lambda: answered(endpoint, key)) == 200
        assert len(others(endpoint, first[:1], 2) or []) == 2


def answered(endpoint: Endpoint, key: str) -> int | None:
    """Ask once; the status where the key may be used."""
    status = endpoint("/v1/authorize?require=Reviews:read", key=key).status
    return status if status == 200 else None


def test_workers_end_where_nobody_is_left_to_stop_them(applied, key) -> None:
    """The port is free again."""
    with serving(applied, "--port", "0", "--workers", "2") as endpoint:
        endpoint.wait_until_ready(2)
        workers = [child for child in endpoint.children() if is_worker(child)]
        endpoint.process.kill()
        endpoint.process.wait(60)
        try:
            assert wait_for(lambda: all(map(is_gone, workers)) or None)
        finally:
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)


def test_tls_from_files(applied, key, certificates) -> None:
    """The certificate is shown, an old client's version is refused, plain HTTP gets nothing."""
    files = ["--tls-cert", certificates.file("server.pem"), "--tls-key"]
    with serving(applied, "--port", "0", *files, certificates.file("server.key")) as endpoint:
        assert endpoint.announced().startswith("https://127.0.0.1:")
        endpoint.server_name = "vault.test"
        endpoint.trust = ssl.create_default_context(cafile=certificates.file("ca.pem"))
        assert endpoint(key=key).status == 200
        endpoint.trust.maximum_version = ssl.TLSVersion.TLSv1_2
        assert endpoint(key=key).status == 200
        endpoint.trust = None
        with pytest.raises((ConnectionError, OSError)):
            endpoint(key=key)
        assert endpoint.stop() == 0


def test_a_unix_socket(applied, key) -> None:
    """One that was left behind is replaced; it is gone afterwards."""
    path = applied.folder / "k.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    applied.set(KEYREC_TRUSTED_PROXIES="unix")
    for workers in ("1", "2"):
        with serving(applied, "--uds", "k.sock", "--workers", workers) as endpoint:
            endpoint.wait_until_ready(int(workers))
            assert path.stat().st_mode & 0o777 == 0o660
            assert endpoint(key=key, headers={"X-Forwarded-For": "203.0.113.9"}).status == 200
            assert endpoint.stop() == 0
        assert not path.exists()
        assert "peer=unix" in "".join(endpoint.lines)
        assert "client=203.0.113.9" in "".join(endpoint.lines)


def test_health_on_a_port_of_its_own(applied, key) -> None:
    """Nothing else is answered there."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with serving(applied, "--port", "0", "--health-port", str(port)) as endpoint:
        assert endpoint.announced("Health") == f"http://127.0.0.1:{port}"
        assert endpoint("/healthz", port=port).status == 200
        assert endpoint("/healthz").status == 404
        assert (endpoint(key=key).status, endpoint(key=key, port=port).status) == (200, 404)


def test_a_key_of_another_environment_is_refused(applied, key) -> None:
    """As a wrong key is; the port that Kubernetes tells of a service `keyrec` is none of ours."""
    applied.set(KEYREC_LISTEN_PORT="1", KEYREC_PORT="tcp://10.0.0.1:8321")
    with serving(applied, "--port", "0", "--environment", "prod") as endpoint:
        assert endpoint(key=key).json["code"] == "invalid-key"
        endpoint.stop()
    assert "outcome=wrong-environment" in "".join(endpoint.lines)


def test_a_head_without_end_is_refused(applied) -> None:
    """431, over a real socket."""
    with serving(applied, "--port", "0") as endpoint:
        assert endpoint(headers={"X-Long": "a" * 40_000}).status == 431


def test_a_configuration_that_is_named_has_to_be_there(applied) -> None:
    """A slip of the pen must not open the endpoint with defaults."""
    answer = applied("--config", "keyrec.yam", "serve", "--port", "0")
    assert (answer.code, "There is no keyrec.yam here" in answer.err) == (3, True)
    applied.set(KEYREC_CONFIG="typo.yaml")
    answer = applied("serve", "--port", "0")
    assert (answer.code, "There is no typo.yaml here" in answer.err) == (3, True)


def test_a_port_in_use_is_said_at_once(applied) -> None:
    """Before any worker starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = applied("serve", "--port", port)
    assert answer.code == 3
    assert f"127.0.0.1, port {port} cannot be listened on: Address already in use" in answer.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--tls-cert", "c.pem"], "Only one of certificate and key is given"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem"], "TLS cannot be set up with c.pem"),
        (["--uds", "keys"], "keys cannot be listened on"),
        (["--uds", "k" * 200], "cannot be listened on"),
        (["--host", "no.such.host.invalid"], "cannot be listened on"),
    ],
    ids=["half", "missing", "folder", "long", "host"],
)
def test_what_cannot_be_listened_on_is_said_at_once(applied, argv, words) -> None:
    """With what to do."""
    answer = applied("serve", "--port", "0", *argv)
    assert answer.code == 3
    assert words in answer.err


def test_certificate_and_key_have_to_belong_together(applied, certificates) -> None:
    """Also a key that wants a passphrase is refused, without asking for it."""
    pem = certificates.file("server.pem")
    answer = applied("serve", "--tls-cert", pem, "--tls-key", certificates.file("client.key"))
    assert answer.code == 3
    assert "TLS cannot be set up" in answer.err


def test_without_a_store_it_does_not_start(keyrec) -> None:
    """Neither with one worker nor with several, and no manager is asked for."""
    for workers in ("1", "2"):
        answer = keyrec("serve", "--port", "0", "--workers", workers)
        assert answer.code == 1
        assert "keyrec init" in answer.err


def test_without_its_packages_it_says_which_extra_is_missing(applied, monkeypatch) -> None:
    """An advice that can be typed."""
    monkeypatch.delitem(sys.modules, "reconciler.server.listening", raising=False)
    monkeypatch.delattr(reconciler.server, "listening", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    answer = applied("serve")
    assert answer.code == 3
    assert "pip install 'keyrec[server]'" in answer.err


def test_a_proxy_that_means_nothing_is_refused_with_a_mend() -> None:
    """Every one of them."""
    with pytest.raises(ConfigInvalid) as refused:
        forwarding_of(ServerSettings(trusted_proxies=("10.0.0.1/8", "0.0.0.0/0")))
    assert "10.0.0.1/8" in refused.value.message
    assert "0.0.0.0/0" in refused.value.message


def test_flags_go_before_the_configuration(applied) -> None:
    """What no flag says is the configuration's."""
    from reconciler.bootstrap.configuration import find_configuration

    applied.set(KEYREC_LISTEN_PORT="9000", KEYREC_WORKERS="3", KEYREC_ENVIRONMENT="dev")
    settings = wished(find_configuration(None).settings, ServeWish(port=9001))
    assert (settings.server.port, settings.server.workers) == (9001, 3)
    assert settings.verification.environment == "dev"
