"""Tokens: how they are had, how long they are used, that they are given back. Canned answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.config import TokenRequest, VaultAuth, VaultAuthMethod
from reconciler.errors import LoginFailed, SinkDenied, SinkUnavailable
from tests.adapters.vault_rigs import DATA, DENIED, PATH, Hours, logged_in, opened, written
from tests.contracts.sink_rigs import payload
from tests.services.canned import CannedServer, Cut, Reply, canned, replied

APPROLE = VaultAuth(
    method=VaultAuthMethod.APPROLE,
    mount="approle",
    role_id="role-1",
    secret_id=SecretStr("canary-secret-id"),
)
JWT_TEXT = "canaryheader.canaryclaims.canarysignature"
JWT = VaultAuth(
    method=VaultAuthMethod.JWT, mount="jwt-ci", role="keyrec-apply", jwt=SecretStr(JWT_TEXT)
)
APPROLE_LOGIN, JWT_LOGIN = "/v1/auth/approle/login", "/v1/auth/jwt-ci/login"
LOOKUP = "/v1/auth/token/lookup-self"
RENEW = "/v1/auth/token/renew-self"
REVOKE = "/v1/auth/token/revoke-self"
DONE = Reply(status=204, body=b"")


def kubernetes(file: Path) -> VaultAuth:
    """Give the login of a pod."""
    return VaultAuth(
        method=VaultAuthMethod.KUBERNETES, mount="kubernetes", role="keyrec", jwt_file=str(file)
    )


def serving(server: CannedServer, login: str, *logins: Any) -> None:
    """Let logins, writes and revocations succeed."""
    server.answer(login, *logins)
    server.answer(DATA, written(1))
    server.answer(REVOKE, DONE)


def tokens_used(server: CannedServer, target: str) -> list[str | None]:
    """Give the tokens of all requests to a target."""
    found = (r for r in server.received if r.target.startswith(target))
    return [request.headers.get("X-Vault-Token") for request in found]


def test_approle_logs_in_once_and_the_token_is_revoked_at_the_end():
    """One login for many writes, one revocation, by the token itself."""
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one"))
        with opened(server.address, auth=APPROLE) as sink:
            for number in range(3):
                sink.write(f"payments/x{number}", payload(), expected=0)
        assert server.targets()[0] == f"POST {APPROLE_LOGIN}"
        assert server.received[0].document == {
            "role_id": "role-1",
            "secret_id": "canary-secret-id",
        }
        assert server.targets().count(f"POST {APPROLE_LOGIN}") == 1
        assert tokens_used(server, APPROLE_LOGIN) == [None]
        assert tokens_used(server, DATA) == ["hvs.one"] * 3
        assert tokens_used(server, REVOKE) == ["hvs.one"]


def test_a_token_that_was_given_is_neither_renewed_nor_revoked():
    """It belongs to whoever gave it."""
    hours = Hours()
    with canned() as server:
        server.answer(DATA, written(1))
        with opened(server.address, hours=hours) as sink:
            sink.write(PATH, payload(), expected=0)
            hours.seconds += 10**6
            sink.write(PATH, payload(), expected=0)
        assert server.targets() == [f"POST {DATA}{PATH}"] * 2


def test_nothing_is_sent_before_the_first_request_needs_a_token():
    """Opening and closing a sink costs no login."""
    with canned() as server:
        with opened(server.address, auth=APPROLE):
            pass
        assert server.received == []


def test_many_threads_share_one_login():
    """A login for each would bring a Vault down."""
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one"))
        paths = [f"payments/x{number}" for number in range(16)]
        shared = opened(server.address, auth=APPROLE, parallelism=8)
        with shared as sink, ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda path: sink.write(path, payload(), expected=0), paths))
        assert server.targets().count(f"POST {APPROLE_LOGIN}") == 1


def test_a_token_is_renewed_after_two_thirds_of_its_life():
    """Not before, and once."""
    hours = Hours()
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one", seconds=90))
        server.answer(RENEW, logged_in("hvs.one", seconds=90))
        with opened(server.address, auth=APPROLE, hours=hours) as sink:
            for seconds in (0, 59, 2, 10):
                hours.seconds += seconds
                sink.write(PATH, payload(), expected=0)
        assert tokens_used(server, RENEW) == ["hvs.one"]
        assert server.targets().count(f"POST {APPROLE_LOGIN}") == 1


@pytest.mark.parametrize(
    "renewal",
    [logged_in("hvs.one", seconds=20), DENIED, replied({}, 500), Cut(), replied({})],
    ids=["short", "denied", "error", "lost", "empty"],
)
def test_where_renewing_gives_too_little_a_new_login_follows(renewal):
    """Near a token's last end, or where it cannot be renewed; both tokens are revoked."""
    hours = Hours()
    with canned() as server:
        serving(
            server,
            APPROLE_LOGIN,
            logged_in("hvs.one", seconds=90),
            logged_in("hvs.two", seconds=90),
        )
        server.answer(RENEW, renewal)
        with opened(server.address, auth=APPROLE, hours=hours) as sink:
            sink.write(PATH, payload(), expected=0)
            hours.seconds += 61
            sink.write(PATH, payload(), expected=0)
        assert tokens_used(server, DATA) == ["hvs.one", "hvs.two"]
        assert tokens_used(server, REVOKE) == ["hvs.one", "hvs.two"]


def test_a_token_that_is_not_renewable_is_replaced_in_time():
    """A batch token."""
    hours = Hours()
    with canned() as server:
        batch = [logged_in(f"hvb.{n}", seconds=90, renewable=False) for n in ("one", "two")]
        serving(server, APPROLE_LOGIN, *batch)
        server.answer(REVOKE, replied({"errors": ["batch tokens cannot be revoked"]}, 400))
        with opened(server.address, auth=APPROLE, hours=hours) as sink:
            sink.write(PATH, payload(), expected=0)
            hours.seconds += 61
            sink.write(PATH, payload(), expected=0)
        assert tokens_used(server, DATA) == ["hvb.one", "hvb.two"]
        assert tokens_used(server, RENEW) == []


def test_a_token_is_used_to_its_end_where_no_new_one_can_be_had():
    """A login that fails for a moment stops nothing while the old token lives."""
    hours = Hours()
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one", seconds=90), replied({}, 500))
        server.answer(RENEW, replied({}, 500))
        with opened(server.address, auth=APPROLE, hours=hours) as sink:
            sink.write(PATH, payload(), expected=0)
            hours.seconds += 61
            assert sink.write(PATH, payload(), expected=0) == 1
            hours.seconds += 30
            with pytest.raises(SinkUnavailable):
                sink.write(PATH, payload(), expected=0)


def test_a_token_that_vault_forgot_is_replaced_and_the_denied_write_made_again():
    """A denied request was definitely not done; the second one is the same attempt."""
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one"), logged_in("hvs.two"))
        server.answer(DATA, DENIED, written(1))
        server.answer(LOOKUP, DENIED)
        with opened(server.address, auth=APPROLE) as sink:
            assert sink.write(PATH, payload(), expected=0) == 1
        assert tokens_used(server, DATA) == ["hvs.one", "hvs.two"]
        assert tokens_used(server, REVOKE) == ["hvs.two"]


def test_a_missing_right_is_not_taken_for_an_ended_token():
    """Vault still knows the token, so the denial stands."""
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one"))
        server.answer(DATA, DENIED)
        server.answer(LOOKUP, replied({"data": {"ttl": 3600}}))
        with opened(server.address, auth=APPROLE) as sink, pytest.raises(SinkDenied):
            sink.write(PATH, payload(), expected=0)
        assert server.targets().count(f"POST {APPROLE_LOGIN}") == 1


def test_jwt_logs_in_with_role_and_mount():
    """The token of a CI job."""
    with canned() as server:
        serving(server, JWT_LOGIN, logged_in("hvs.one"))
        with opened(server.address, auth=JWT) as sink:
            sink.write(PATH, payload(), expected=0)
        assert server.received[0].document == {"role": "keyrec-apply", "jwt": JWT_TEXT}


def asking(server: CannedServer, **changes: Any) -> VaultAuth:
    """Give a login whose JWT a job of GitHub asks for."""
    request = TokenRequest(
        url=f"{server.address}/request?api-version=2", token=SecretStr("canary-request")
    )
    return replace(JWT, jwt=None, request=request, **{"audience": "https://vault:8200", **changes})


def test_jwt_asks_github_for_a_token_where_none_is_given():
    """Meant for this Vault; again at every login, as such a token ends after minutes."""
    with canned() as server:
        serving(server, JWT_LOGIN, logged_in("hvs.one"))
        server.answer("/request", replied({"value": JWT_TEXT}))
        with opened(server.address, auth=asking(server)) as sink:
            sink.write(PATH, payload(), expected=0)
        asked, login = server.received[:2]
        assert asked.target == "/request?api-version=2&audience=https%3A%2F%2Fvault%3A8200"
        assert asked.headers["Authorization"] == "Bearer canary-request"
        assert login.document == {"role": "keyrec-apply", "jwt": JWT_TEXT}


def test_github_is_not_asked_where_a_jwt_is_given(tmp_path):
    """By a variable or a file."""
    (tmp_path / "jwt").write_text("from-file")
    with canned() as server:
        serving(server, JWT_LOGIN, logged_in("hvs.one"))
        for given in ({"jwt": SecretStr("given")}, {"jwt_file": str(tmp_path / "jwt")}):
            with opened(server.address, auth=replace(asking(server), **given)) as sink:
                sink.write(PATH, payload(), expected=0)
        shown = [r.document["jwt"] for r in server.received if r.target == JWT_LOGIN]
        assert shown == ["given", "from-file"]
        assert "/request" not in " ".join(server.targets())


def test_where_github_gives_no_jwt_nothing_is_shown_to_vault():
    """It is said why, and what the workflow has to say."""
    with canned() as server:
        server.answer("/request", replied({"message": "canary"}, 403))
        with opened(server.address, auth=asking(server)) as sink, pytest.raises(LoginFailed) as met:
            sink.write(PATH, payload(), expected=0)
        assert "status 403" in met.value.message
        assert "id-token: write" in met.value.advice
        assert "canary" not in met.value.message + met.value.advice
        assert server.targets() == [
            "GET /request?api-version=2&audience=https%3A%2F%2Fvault%3A8200"
        ]


def test_kubernetes_reads_the_projected_token_again_at_every_login(tmp_path):
    """The file is replaced while a long run goes on."""
    file = tmp_path / "token"
    file.write_text("first\n")
    hours, login = Hours(), "/v1/auth/kubernetes/login"
    with canned() as server:
        short = [logged_in(f"hvs.{n}", seconds=90, renewable=False) for n in ("one", "two")]
        serving(server, login, *short)
        with opened(server.address, auth=kubernetes(file), hours=hours) as sink:
            sink.write(PATH, payload(), expected=0)
            file.write_text("second\n")
            hours.seconds += 61
            sink.write(PATH, payload(), expected=0)
        shown = [r.document["jwt"] for r in server.received if r.target == login]
        assert shown == ["first", "second"]
        assert server.received[0].document["role"] == "keyrec"


def test_credentials_may_stand_in_files(tmp_path):
    """Where CI mounts them; blanks at the ends do not count."""
    (tmp_path / "token").write_text(" hvs.from-file\n")
    (tmp_path / "secret-id").write_text("from-file\n")
    with canned() as server:
        serving(server, APPROLE_LOGIN, logged_in("hvs.one"))
        with opened(server.address, auth=VaultAuth(token_file=str(tmp_path / "token"))) as sink:
            sink.write(PATH, payload(), expected=0)
        approle = VaultAuth(
            method=VaultAuthMethod.APPROLE,
            mount="approle",
            role_id="role-1",
            secret_id_file=str(tmp_path / "secret-id"),
        )
        with opened(server.address, auth=approle) as sink:
            sink.write(PATH, payload(), expected=0)
        assert tokens_used(server, DATA) == ["hvs.from-file", "hvs.one"]
        assert server.received[1].document["secret_id"] == "from-file"


def test_the_token_file_of_vaults_own_client_is_not_read(tmp_path, monkeypatch):
    """A developer's token is no intended login."""
    (tmp_path / ".vault-token").write_text("hvs.developer")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAULT_TOKEN", "hvs.environment")
    with canned() as server, opened(server.address, auth=VaultAuth()) as sink:
        with pytest.raises(LoginFailed) as met:
            sink.write(PATH, payload(), expected=0)
        assert "VAULT_TOKEN" in met.value.advice
        assert server.received == []


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        (VaultAuth(token_file="nowhere"), "file nowhere"),
        (VaultAuth(method=VaultAuthMethod.APPROLE, mount="approle"), "no role id"),
        (VaultAuth(method=VaultAuthMethod.JWT, mount="jwt"), "no token to show"),
        (VaultAuth(method=VaultAuthMethod.JWT, mount="jwt", jwt=SecretStr("x.y.z")), "no role"),
        (VaultAuth(method=VaultAuthMethod.KUBERNETES, mount="k"), "no token to show"),
        (VaultAuth(method=VaultAuthMethod.KUBERNETES, mount="k", jwt_file="nowhere"), "nowhere"),
    ],
)
def test_a_login_that_lacks_something_says_what(auth, words):
    """Before anything is sent."""
    with canned() as server, opened(server.address, auth=auth) as sink:
        with pytest.raises(LoginFailed) as met:
            sink.write(PATH, payload(), expected=0)
        assert words in met.value.message
        assert met.value.advice
        assert server.received == []


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (replied({"errors": ["invalid audience (aud) claim"]}, 400), LoginFailed, "invalid aud"),
        (DENIED, LoginFailed, "permission denied"),
        (replied({"errors": ["no handler for route"]}, 404), LoginFailed, "auth/jwt-ci"),
        (replied({"errors": [f"bad token {JWT_TEXT}"]}, 400), LoginFailed, "auth/jwt-ci."),
        (replied({"errors": ["claims canaryclaims"]}, 400), LoginFailed, "auth/jwt-ci."),
        (replied({"auth": None}), LoginFailed, "holds no token"),
        (replied({"auth": {"mfa_requirement": {}}}), LoginFailed, "holds no token"),
        (replied({"errors": ["Vault is sealed"]}, 503), SinkUnavailable, "sealed"),
        (replied({}, 500), SinkUnavailable, "status 500"),
        (Reply(status=307, headers={"Location": "https://a.example/"}), SinkUnavailable, "a.exa"),
        (Cut(), SinkUnavailable, "no answer"),
    ],
)
def test_a_refused_login_says_what_vault_said_unless_it_repeats_the_credential(reply, error, words):
    """Nothing else can say which claim did not fit."""
    with canned() as server, opened(server.address, auth=JWT) as sink:
        server.answer(JWT_LOGIN, reply)
        with pytest.raises(error) as met:
            sink.write(PATH, payload(), expected=0)
    assert words in met.value.message
    assert "canary" not in met.value.message
    assert met.value.advice
