"""An identity token from where it is found to whom it speaks of, as far as it is no attack."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.adapters import issuer_keys, timely_socket
from reconciler.adapters.issuer_key import thumbprint
from reconciler.adapters.issuer_keys import IssuerKeys
from reconciler.adapters.key_cache import KeyCache
from reconciler.adapters.oidc_identity import TokenIdentity
from reconciler.adapters.signed_token import signed_claims
from reconciler.adapters.web_get import NoAnswer, get
from reconciler.config import IdentitySettings, TokenRequest
from reconciler.errors import IdentityMissing, IdentityRefused
from reconciler.model.policy import BoundPrincipal, SigningAlgorithm
from reconciler.model.secret import Secret
from reconciler.ports import Identity
from tests.fakes.system import FakeClock
from tests.services.canned import CannedServer, Cut, Reply, Silence, canned, replied
from tests.services.identity_issuer import (
    CONFIGURATION,
    KEYS,
    REQUEST,
    IdentityIssuer,
    identity_issuer,
    jwk_of,
    private_key,
    signed,
    thumbprint_of,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
ASKED = [f"GET {CONFIGURATION}", f"GET {KEYS}"]


@pytest.fixture
def issuer() -> Iterator[IdentityIssuer]:
    """Give an issuer that publishes one key."""
    with identity_issuer() as made:
        yield made


def found(issuer: IdentityIssuer, settings: IdentitySettings, **changes: Any) -> TokenIdentity:
    """Give who runs here, by these settings."""
    return TokenIdentity(settings, (issuer.policy(**changes),), now=lambda: NOW)


def shown(token: str, **settings: Any) -> IdentitySettings:
    """Give settings with a token in the variable."""
    return IdentitySettings(token=SecretStr(token), **settings)


def offered(server: CannedServer, query: str = "?api-version=2") -> TokenRequest:
    """Give what GitHub gives a job that may ask."""
    return TokenRequest(
        url=f"{server.address}{REQUEST}{query}", token=SecretStr("canary-request-token")
    )


# --- where the token comes from


def test_a_token_of_the_variable_goes_before_one_of_a_file_before_one_of_github(
    issuer: IdentityIssuer, tmp_path: Path
) -> None:
    """Each is left away in its turn; where it came from is said."""
    file = tmp_path / "token"
    file.write_text(f"{issuer.token(NOW)}\n")
    issuer.server.answer(REQUEST, replied({"value": issuer.token(NOW)}))
    settings = shown(issuer.token(NOW), token_file=str(file), request=offered(issuer.server))
    for origin in ("KEYREC_IDENTITY_TOKEN", f"the file {file}", "GitHub's token endpoint"):
        identity: Identity = found(issuer, settings)
        assert identity.principal() == "github:apply"
        assert found(issuer, settings).origin() == origin
        settings = replace(
            settings,
            token=None,
            token_file=settings.token_file if settings.token is not None else None,
        )


def test_github_is_asked_with_the_audience_of_the_policys_issuer(issuer: IdentityIssuer) -> None:
    """Appended to whatever stands in the address, quoted, with the job's own token."""
    issuer.server.answer(REQUEST, replied({"value": issuer.token(NOW, aud="key rec/&1")}))
    for query, target in (
        ("?api-version=2", "?api-version=2&audience=key%20rec%2F%261"),
        ("", "?audience=key%20rec%2F%261"),
    ):
        settings = IdentitySettings(request=offered(issuer.server, query))
        assert found(issuer, settings, audience="key rec/&1").principal() == "github:apply"
        asked = [r for r in issuer.server.received if r.target.startswith(REQUEST)][-1]
        assert asked.target == f"{REQUEST}{target}"
        assert asked.headers["Authorization"] == "Bearer canary-request-token"


def test_where_the_policy_has_more_issuers_the_token_is_taken_that_has_one(
    issuer: IdentityIssuer,
) -> None:
    """GitHub signs for any audience; only that of its own issuer makes a principal."""
    tokens = [issuer.token(NOW, aud=audience) for audience in ("gitlabs", "githubs")]
    issuer.server.answer(REQUEST, *(replied({"value": token}) for token in tokens))
    issuers = (
        issuer.policy(name="a", url="https://gitlab.example", audience="gitlabs"),
        issuer.policy(name="b", audience="githubs"),
    )
    settings = IdentitySettings(request=offered(issuer.server))
    assert TokenIdentity(settings, issuers, now=lambda: NOW).principal() == "b:apply"
    with pytest.raises(IdentityRefused, match="aud is not that of any of b"):
        TokenIdentity(shown(issuer.token(NOW, aud="x")), issuers, now=lambda: NOW).principal()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (replied({}, 403), "it answers with status 403"),
        (replied({"value": ""}), "No identity token could be read"),
        (replied({"count": 1}), "its answer holds no token"),
        (replied(["value"]), "its answer holds no token"),
        (replied({"value": 7}), "its answer holds no token"),
        (Reply(body=b"<html>"), "its answer holds no token"),
        (Reply(status=307, headers={"Location": "https://a.example"}), "it redirects"),
        (Cut(), "the connection ended early"),
    ],
)
def test_where_github_gives_none_it_is_said_why(
    issuer: IdentityIssuer, reply: Reply | Cut, said: str
) -> None:
    """Never with what the request was made with."""
    issuer.server.answer(REQUEST, reply)
    with pytest.raises(IdentityRefused) as met:
        found(issuer, IdentitySettings(request=offered(issuer.server))).principal()
    assert said in met.value.message
    assert "canary" not in met.value.message + met.value.advice


def test_without_any_token_it_is_said_how_to_give_one(issuer: IdentityIssuer) -> None:
    """Half of what GitHub gives is nothing; nobody is asked for anything."""
    for settings in (
        IdentitySettings(),
        IdentitySettings(request=TokenRequest(url=f"{issuer.url}{REQUEST}")),
        IdentitySettings(request=TokenRequest(token=SecretStr("canary"))),
    ):
        with pytest.raises(IdentityMissing) as met:
            found(issuer, settings).principal()
        assert "KEYREC_IDENTITY_TOKEN" in met.value.advice
    assert issuer.server.received == []


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe", b"a" * 16 * 1024 + b"b"])
def test_a_file_that_holds_no_token_is_refused_and_not_passed_over(
    issuer: IdentityIssuer, tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty, no text, too long: GitHub is not asked in its place."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    settings = IdentitySettings(token_file=str(file), request=offered(issuer.server))
    with pytest.raises(IdentityRefused, match="No identity token could be read from the file"):
        found(issuer, settings).principal()
    assert issuer.server.received == []


GITLAB = {
    "repository": None,
    "repository_id": None,
    "event_name": None,
    "namespace_id": "7",
    "project_id": "42",
    "project_path": "acme/keys",
    "pipeline_source": "push",
    "sub": "project_path:acme/keys:ref_type:branch:ref:main",
    "ref": "main",
    "ref_type": "branch",
    "ref_protected": "true",
    "environment": "keys-payments",
    "environment_protected": "true",
    "user_identities": [{"provider": "x", "extern_uid": "1"}],
}
"""What GitLab says of a job, in part; numbers and flags are texts there."""
BOUND_CLAIMS = ("environment", "project_id", "ref", "ref_protected", "ref_type")


def on_gitlab(issuer: IdentityIssuer, **changes: Any) -> TokenIdentity:
    """Give who runs a job of GitLab, by what the how-to binds."""
    claims = tuple((name, str(GITLAB[name])) for name in BOUND_CLAIMS)
    bound = BoundPrincipal(name="payments", claims=claims)
    token = issuer.token(NOW, **{**GITLAB, **changes})
    return found(issuer, shown(token), name="gitlab", principals=(bound,))


def test_a_job_of_gitlab_is_known_by_its_project_and_its_protected_branch(
    issuer: IdentityIssuer,
) -> None:
    """Its ids and flags are texts, and are compared as such."""
    assert on_gitlab(issuer).principal() == "gitlab:payments"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project_id", "43"),
        ("project_id", 42),
        ("project_id", ["42"]),
        ("ref", "refs/heads/main"),
        ("ref_type", "tag"),
        ("ref_type", None),
        ("ref_protected", "false"),
        ("ref_protected", True),
        ("environment", "keys-payments "),
        ("environment", None),
    ],
)
def test_a_job_of_gitlab_that_differs_in_one_claim_is_nobody(
    issuer: IdentityIssuer, name: str, value: object
) -> None:
    """A tag that bears the branch's name, an unprotected branch, a flag or a number as itself."""
    with pytest.raises(IdentityRefused, match=rf"they differ from payments by {name}\.$"):
        on_gitlab(issuer, **{name: value}).principal()


# --- the issuer's keys


def test_keys_are_asked_for_once_in_a_run(issuer: IdentityIssuer) -> None:
    """However often somebody asks who runs here."""
    identity = found(issuer, shown(issuer.token(NOW)))
    assert [identity.principal() for _ in range(3)] == ["github:apply"] * 3
    assert issuer.server.targets() == ASKED
    (key,) = IssuerKeys(now=NOW).keys(issuer.policy(), "one")
    assert key.thumbprint == thumbprint_of("one")
    assert issuer.server.targets() == ASKED * 2


def test_an_address_with_a_slash_at_its_end_is_asked_with_one(issuer: IdentityIssuer) -> None:
    """The configuration's name is joined as OpenID has it; the iss stays as it is."""
    url = f"{issuer.url}/"
    about = {"issuer": url, "jwks_uri": f"{issuer.url}{KEYS}"}
    issuer.server.answer(CONFIGURATION, replied(about))
    assert found(issuer, shown(issuer.token(NOW, iss=url)), url=url).principal() == "github:apply"
    assert issuer.server.targets() == ASKED


def test_kept_keys_are_used_for_an_hour_and_hold_nothing_of_a_token(
    issuer: IdentityIssuer, tmp_path: Path
) -> None:
    """In a folder and a file that are the user's alone."""
    folder = tmp_path / "cache" / "keyrec" / "issuers"
    token = issuer.token(NOW)
    for minutes in (0, 4):
        settings = shown(token, cache_folder=str(folder))
        clock = FakeClock(NOW + timedelta(minutes=minutes))
        identity = TokenIdentity(settings, (issuer.policy(),), now=clock.now)
        assert identity.principal() == "github:apply"
    assert issuer.server.targets() == ASKED
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [part for part in token.split(".") if part in file.read_text()] == []
    cache = KeyCache(folder=folder)
    assert cache.load(issuer.url, NOW + timedelta(minutes=59)) is not None
    assert cache.load(issuer.url, NOW + timedelta(hours=1)) is None
    assert cache.load(f"{issuer.url}/", NOW) is None


def test_a_new_key_of_the_issuer_is_asked_for_once(issuer: IdentityIssuer, tmp_path: Path) -> None:
    """A kid that is not among the kept keys; one that nobody knows does not ask again."""
    settings = shown(issuer.token(NOW), cache_folder=str(tmp_path / "cache"))
    assert found(issuer, settings).principal() == "github:apply"
    issuer.publish(jwk_of("one"), jwk_of("next"))
    renewed = replace(settings, token=SecretStr(signed(issuer.claims(NOW), kid="next")))
    assert found(issuer, renewed).principal() == "github:apply"
    assert issuer.server.targets() == ASKED * 2
    unknown = replace(settings, token=SecretStr(signed(issuer.claims(NOW), kid="unknown")))
    with pytest.raises(IdentityRefused, match="no RS256 key of the id"):
        found(issuer, unknown).principal()
    assert issuer.server.targets() == ASKED * 3


def test_a_key_that_was_replaced_under_its_id_is_asked_for_once(
    issuer: IdentityIssuer, tmp_path: Path
) -> None:
    """Sound tokens of an hour would be refused; a bad one does not ask again and again."""
    settings = shown(issuer.token(NOW), cache_folder=str(tmp_path / "cache"))
    assert found(issuer, settings).principal() == "github:apply"
    issuer.publish({**jwk_of("next"), "kid": "one"})
    by_the_next = signed(issuer.claims(NOW), kid="one", key=private_key("RSA", "next"))
    renewed = replace(settings, token=SecretStr(by_the_next))
    for _ in range(2):
        assert found(issuer, renewed).principal() == "github:apply"
    assert issuer.server.targets() == ASKED * 2
    with pytest.raises(IdentityRefused, match="not signed by the key of github that it names"):
        found(issuer, settings).principal()
    assert issuer.server.targets() == ASKED * 3
    pinned = {"keys": (thumbprint_of("next"),)}
    assert found(issuer, renewed, **pinned).principal() == "github:apply"
    issuer.publish({**jwk_of("other"), "kid": "one"})
    by_another = signed(issuer.claims(NOW), kid="one", key=private_key("RSA", "other"))
    with pytest.raises(IdentityRefused, match="not among those that the policy trusts"):
        found(issuer, replace(settings, token=SecretStr(by_another)), **pinned).principal()


def test_a_token_that_was_asked_for_after_a_long_plan_counts(issuer: IdentityIssuer) -> None:
    """It is judged by the store's time after it was had, not by that of the first reading."""
    clock = FakeClock(NOW)
    minted = NOW + timedelta(minutes=10)
    issuer.server.answer(REQUEST, replied({"value": issuer.token(minted)}))
    settings = IdentitySettings(request=offered(issuer.server))
    identity = TokenIdentity(settings, (issuer.policy(),), now=clock.now)
    clock.advance(timedelta(minutes=10))
    assert identity.principal() == "github:apply"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"issuer": 1, "fetchedAt": "x"}',
        "[" * 99_999,
        *(f'{{"fetchedAt": {t}}}' for t in (f"1{'0' * 400}", "1e999", "NaN", "-1e308")),
    ],
)
def test_a_damaged_cache_is_asked_past(
    issuer: IdentityIssuer, tmp_path: Path, content: str
) -> None:
    """It is written anew."""
    settings = shown(issuer.token(NOW), cache_folder=str(tmp_path / "cache"))
    found(issuer, settings).principal()
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text(content)
    assert found(issuer, settings).principal() == "github:apply"
    assert found(issuer, settings).principal() == "github:apply"
    assert issuer.server.targets() == ASKED * 2


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o620, 0o602])
def test_a_file_of_the_cache_that_others_may_open_is_not_believed(
    issuer: IdentityIssuer, tmp_path: Path, mode: int
) -> None:
    """Whoever wrote it would say whose signatures count; it is written anew."""
    settings = shown(issuer.token(NOW), cache_folder=str(tmp_path / "cache"))
    found(issuer, settings).principal()
    (file,) = (tmp_path / "cache").iterdir()
    file.chmod(mode)
    assert found(issuer, settings).principal() == "github:apply"
    assert issuer.server.targets() == ASKED * 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_pipe_in_the_place_of_a_file_of_the_cache_keeps_nobody_waiting(
    issuer: IdentityIssuer, tmp_path: Path
) -> None:
    """Nobody may ever write into it."""
    settings = shown(issuer.token(NOW), cache_folder=str(tmp_path / "cache"))
    found(issuer, settings).principal()
    (file,) = (tmp_path / "cache").iterdir()
    file.unlink()
    os.mkfifo(file, 0o600)
    assert found(issuer, settings).principal() == "github:apply"
    assert issuer.server.targets() == ASKED * 2


def test_a_cache_that_cannot_be_written_is_no_trouble(
    issuer: IdentityIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the folder should be; a disk is full."""
    (tmp_path / "file").write_text("")
    settings = shown(issuer.token(NOW), cache_folder=str(tmp_path / "file" / "cache"))
    assert found(issuer, settings).principal() == "github:apply"

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    settings = replace(settings, cache_folder=str(tmp_path / "cache"))
    assert found(issuer, settings).principal() == "github:apply"
    assert list((tmp_path / "cache").iterdir()) == []


def test_pinned_keys_of_a_file_need_no_network(issuer: IdentityIssuer, tmp_path: Path) -> None:
    """Where the machine may not reach the issuer."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [jwk_of("other"), jwk_of("one")]}))
    settings = shown(issuer.token(NOW), jwks_file=str(file))
    pinned = (thumbprint_of("one"),)
    assert found(issuer, settings, keys=pinned).principal() == "github:apply"
    file.write_text("[]")
    with pytest.raises(IdentityRefused, match=r"holds no JSON Web Key Set"):
        found(issuer, settings, keys=pinned).principal()
    file.unlink()
    with pytest.raises(IdentityRefused, match=r"holds no JSON Web Key Set"):
        found(issuer, settings, keys=pinned).principal()
    assert issuer.server.received == []


@pytest.mark.parametrize(
    ("start", "reply", "said"),
    [
        (
            CONFIGURATION,
            replied({}, 404),
            "configuration of the issuer github cannot be used: it answers with status 404",
        ),
        (CONFIGURATION, replied([]), "its answer is no JSON object"),
        (CONFIGURATION, Reply(status=301, headers={"Location": "/a"}), "it redirects"),
        (CONFIGURATION, Cut(), "the connection ended early"),
        (KEYS, Reply(body=b"{", length=99), "it took too long|its answer was cut off|ended early"),
        (KEYS, replied({"keys": "none"}), "no RS256 key"),
        (
            KEYS,
            replied(
                {"keys": [7, {"kid": "one"}, {"kid": "one", "kty": "RSA", "n": "?", "e": "AQAB"}]}
            ),
            "no RS256 key",
        ),
    ],
)
def test_an_issuer_that_cannot_be_asked_makes_nobody_known(
    issuer: IdentityIssuer, start: str, reply: Any, said: str
) -> None:
    """It fails closed."""
    issuer.server.answer(start, reply)
    with pytest.raises(IdentityRefused, match=said):
        found(issuer, shown(issuer.token(NOW))).principal()


def test_a_configuration_without_keys_is_refused(issuer: IdentityIssuer) -> None:
    """There is nothing to guess."""
    issuer.server.answer(CONFIGURATION, replied({"issuer": issuer.url}))
    with pytest.raises(IdentityRefused, match="does not say where the keys are"):
        found(issuer, shown(issuer.token(NOW))).principal()


def test_the_thumbprint_is_that_of_the_standard() -> None:
    """The example of RFC 7638, section 3.1."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
        "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY3"
        "68QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4"
        "lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    members = {"kty": "RSA", "n": modulus, "e": "AQAB"}
    assert thumbprint(members) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


# --- asking


@pytest.mark.parametrize(
    "url",
    [
        "",
        "issuer.example",
        "ftp://issuer.example/",
        "https://",
        "https://a:b@issuer.example/",
        "https://issuer.example/#part",
        "https://issuer.example:99999/",
        "https://issuer.example/a b",
        "https://issuer.example/\r\nHost: other",
        "https://ex\u00e4mple/",
    ],
)
def test_what_is_no_plain_address_is_not_asked(url: str) -> None:
    """It is refused before anything is opened."""
    assert get(url) == NoAnswer(reason="that is no address of the form https://host/path")


@pytest.mark.parametrize("host", ["issuer.example", "10.0.0.1", "127.0.0.1.example", "localhost.a"])
def test_plain_http_is_taken_only_to_this_machine(host: str) -> None:
    """Whoever is on the way could bring keys of their own."""
    said = NoAnswer(reason="plain http is taken only to this machine itself")
    assert get(f"http://{host}/keys") == said


def test_an_answer_has_to_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """In silence, and drop by drop."""
    monkeypatch.setattr(timely_socket, "LONGEST_SILENCE", 0.05)
    with canned() as server:
        server.answer("/", Silence())
        assert get(f"{server.address}/") == NoAnswer(reason="it took too long")
        server.answer("/", Reply(body=b"{}"))
        assert get(f"{server.address}/", wait=-1) == NoAnswer(reason="it took too long")
        assert get(f"{server.address}") == b"{}"


def test_the_signature_is_checked_by_the_pinned_algorithm_whatever_was_looked_at_before(
    issuer: IdentityIssuer,
) -> None:
    """The same key could have signed by another one."""
    claims, key = issuer.claims(NOW), private_key("RSA", "one")
    for signed_by in ("RS256", "PS256", "RS512"):
        token = Secret(signed(claims, algorithm=signed_by, key=key))
        for pinned in (SigningAlgorithm.RS256, SigningAlgorithm.PS256):
            found = signed_claims(token, key.public_key(), pinned)
            assert found == (claims if signed_by == pinned else None)


def test_an_issuer_that_is_asked_by_https_cannot_send_to_this_machine_by_http(
    issuer: IdentityIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain http is for an issuer that itself is on this machine."""
    url = "https://issuer.example"
    about = json.dumps({"issuer": url, "jwks_uri": f"{issuer.url}{KEYS}"}).encode()
    monkeypatch.setattr(issuer_keys, "get", lambda asked: about if asked.startswith(url) else b"")
    with pytest.raises(IdentityRefused, match="they are offered by plain http"):
        found(issuer, shown(issuer.token(NOW, iss=url)), url=url).principal()
