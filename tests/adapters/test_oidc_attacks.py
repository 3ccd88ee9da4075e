"""The attack table: what whoever has no right to it might show, one row each, with what is said.

The first test holds the sound token that every row bends in one place. No row may show a part of
the token, whoever reads the error with the locals of its frames.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.adapters.oidc_identity import TokenIdentity
from reconciler.config import IdentitySettings
from reconciler.errors import ExitCode, IdentityRefused
from reconciler.model.policy import BoundPrincipal, Issuer, SigningAlgorithm
from tests.leaks.test_channels import everything_in
from tests.services.canned import Reply, canned, replied
from tests.services.identity_issuer import (
    AUDIENCE,
    BOUND,
    CONFIGURATION,
    KEYS,
    IdentityIssuer,
    forged,
    identity_issuer,
    jwk_of,
    pem_of,
    private_key,
    signed,
    thumbprint_of,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
STRANGE_ISS = "The token's iss is the url of no issuer that the policy trusts."
OTHER_ALGORITHM = "The token is not signed by RS256, as the policy has it of github."
NO_SIGNATURE = "The token is not signed by the key of github that it names."
NO_KEY = "github has no RS256 key of the id that the token names (kid)."
NOT_PINNED = "The token's key is not among those that the policy trusts of github."
OTHER_AUD = f"The token's aud is not '{AUDIENCE}' and nothing else."


@dataclass
class Scene:
    """An issuer, how the policy trusts it, and a machine that is asked who runs there."""

    issuer: IdentityIssuer
    folder: Path
    trusted: list[Issuer] = field(default_factory=list)
    settings: IdentitySettings = field(default_factory=IdentitySettings)

    def trust(self, **changes: Any) -> None:
        """Let the policy trust it so."""
        self.trusted = [self.issuer.policy(**changes)]

    def token(self, **changes: Any) -> str:
        """Give a token with changed claims."""
        return self.issuer.token(NOW, **changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Give changed claims."""
        return self.issuer.claims(NOW, **changes)

    def ask(self, token: str, now: datetime = NOW) -> str:
        """Say who shows this token."""
        settings = replace(self.settings, token=SecretStr(token))
        return TokenIdentity(settings, self.trusted, now=lambda: now).principal()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Give an issuer whom the policy trusts."""
    with identity_issuer() as issuer:
        made = Scene(issuer=issuer, folder=tmp_path)
        made.trust()
        yield made


Attack = Callable[[Scene], str]
TABLE: dict[str, tuple[Attack, str]] = {}


def attack(name: str, said: str) -> Callable[[Attack], Attack]:
    """Put a row into the table: what is tried, and what is said."""

    def added(make: Attack) -> Attack:
        assert name not in TABLE
        TABLE[name] = (make, said)
        return make

    return added


def told(changes: dict[str, Any], name: str, said: str) -> None:
    """Put a row into the table that changes claims of a token, and signs it as the issuer does."""
    attack(name, said)(lambda scene: scene.token(**changes))


def differs(*claims: str) -> str:
    """Give what is said of claims that do not fit."""
    return (
        "The token's claims are those of no principal of github; they differ from apply by "
        f"{', '.join(claims)}."
    )


def hmac_of(scene: Scene, key: bytes, name: str = "HS256") -> str:
    """Sign by a shared key: what a verifier takes for its public key, as text."""
    content = forged(scene.claims(), alg=name, kid="one").rstrip(".")
    return (
        f"{content}.{forged({}, hmac.digest(key, content.encode(), hashlib.sha256)).split('.')[2]}"
    )


# --- who signed, and how
attack("alg none, without a signature", OTHER_ALGORITHM)(
    lambda scene: forged(scene.claims(), alg="none", kid="one")
)
attack("alg None in other letters", OTHER_ALGORITHM)(
    lambda scene: forged(scene.claims(), alg="NoNe", kid="one")
)
attack("no alg at all", OTHER_ALGORITHM)(lambda scene: forged(scene.claims(), kid="one"))
attack("the pinned alg without a signature", NO_SIGNATURE)(
    lambda scene: forged(scene.claims(), alg="RS256", kid="one")
)
attack("HS256 with the public key as PEM", OTHER_ALGORITHM)(
    lambda scene: hmac_of(scene, pem_of("one"))
)
attack("HS256 with the public key as JWK", OTHER_ALGORITHM)(
    lambda scene: hmac_of(scene, json.dumps(jwk_of("one")).encode())
)
attack("HS512 with the public key as PEM", OTHER_ALGORITHM)(
    lambda scene: hmac_of(scene, pem_of("one"), "HS512")
)
attack("an HMAC that says it is RS256", NO_SIGNATURE)(
    lambda scene: hmac_of(scene, pem_of("one"), "RS256")
)


@attack("a shared key that the issuer publishes", NO_KEY)
def _(scene: Scene) -> str:
    scene.issuer.publish({"kty": "oct", "k": "c2VjcmV0", "kid": "one"})
    return hmac_of(scene, b"secret", "RS256")


attack("another algorithm than the pinned one, by the same key", OTHER_ALGORITHM)(
    lambda scene: signed(scene.claims(), algorithm="PS256", key=private_key("RSA", "one"))
)


@attack("another algorithm than the pinned one, by a published key of its own", OTHER_ALGORITHM)
def _(scene: Scene) -> str:
    scene.issuer.publish(jwk_of("one"), jwk_of("curve", "ES256"))
    return signed(scene.claims(), kid="curve", algorithm="ES256")


attack("signed by somebody else under the issuer's kid", NO_SIGNATURE)(
    lambda scene: signed(scene.claims(), key=private_key("RSA", "somebody"))
)
attack("no kid", "The token does not name the key that signed it (kid).")(
    lambda scene: signed(scene.claims(), kid=None)
)
attack("an unknown kid", NO_KEY)(lambda scene: signed(scene.claims(), kid="unknown"))
attack("a key that the token brings itself", NO_KEY)(
    lambda scene: signed(scene.claims(), kid="brought", jwk=jwk_of("brought"))
)


@attack("an address of keys that the token brings itself", NO_KEY)
def _(scene: Scene) -> str:
    scene.issuer.server.answer("/mine", replied({"keys": [jwk_of("brought")]}))
    return signed(scene.claims(), kid="brought", jku=f"{scene.issuer.url}/mine")


@attack("the kid of another trusted issuer, signed by that one", NO_KEY)
def _(scene: Scene) -> str:
    other = "https://gitlab.example"
    scene.trusted.append(scene.issuer.policy(name="gitlab", url=other))
    planted_cache(scene, mode=0o700, url=other)
    assert scene.ask(signed(scene.claims(iss=other), kid="mine")) == "gitlab:apply"
    return signed(scene.claims(), kid="mine")


attack(
    "a header that has to be understood and is not",
    "What KEYREC_IDENTITY_TOKEN gives is no signed identity token.",
)(lambda scene: signed(scene.claims(), crit=["exp"]))
attack("no token at all", "What KEYREC_IDENTITY_TOKEN gives is no signed identity token.")(
    lambda _: "not-a-token"
)


@attack("a key that is too short", NO_KEY)
def _(scene: Scene) -> str:
    scene.issuer.publish({**jwk_of("one"), "n": jwk_of("one")["n"][:171]})
    return scene.token()


@attack("a key that the issuer publishes for encryption", NO_KEY)
def _(scene: Scene) -> str:
    scene.issuer.publish({**jwk_of("one"), "use": "enc"})
    return scene.token()


@attack("two keys of one kid", "github has more than one key of the id that the token names (kid).")
def _(scene: Scene) -> str:
    scene.issuer.publish(jwk_of("one"), {**jwk_of("two"), "kid": "one"})
    return scene.token()


# --- whose keys count
@attack("a published key that is not among the pinned thumbprints", NOT_PINNED)
def _(scene: Scene) -> str:
    scene.trust(keys=(thumbprint_of("another"),))
    return scene.token()


@attack(
    "a file of keys where the policy lists no thumbprints",
    "The file keys.json is not believed: the policy lists no thumbprints for github.",
)
def _(scene: Scene) -> str:
    (scene.folder / "keys.json").write_text(json.dumps({"keys": [jwk_of("mine")]}))
    scene.settings = replace(scene.settings, jwks_file="keys.json")
    return signed(scene.claims(), kid="mine")


@attack("a file with a key of one's own beside the pinned one", NOT_PINNED)
def _(scene: Scene) -> str:
    keys = {"keys": [jwk_of("one"), jwk_of("mine")]}
    (scene.folder / "keys.json").write_text(json.dumps(keys))
    scene.trust(keys=(thumbprint_of("one"),))
    scene.settings = replace(scene.settings, jwks_file="keys.json")
    return signed(scene.claims(), kid="mine")


@attack("a cache that somebody else could write", NO_KEY)
def _(scene: Scene) -> str:
    planted_cache(scene, mode=0o777)
    return signed(scene.claims(), kid="mine")


@attack("a cache that is a link to somebody's folder", NO_KEY)
def _(scene: Scene) -> str:
    folder = planted_cache(scene, mode=0o700)
    folder.rename(scene.folder / "elsewhere")
    folder.symlink_to(scene.folder / "elsewhere")
    return signed(scene.claims(), kid="mine")


@attack("a cache from the future, which would never grow old", NO_KEY)
def _(scene: Scene) -> str:
    planted_cache(scene, mode=0o700, at=NOW + timedelta(days=1))
    return signed(scene.claims(), kid="mine")


@attack("a cache that is older than an hour", NO_KEY)
def _(scene: Scene) -> str:
    planted_cache(scene, mode=0o700, at=NOW - timedelta(hours=1))
    return signed(scene.claims(), kid="mine")


def planted_cache(scene: Scene, *, mode: int, at: datetime = NOW, url: str | None = None) -> Path:
    """Put a key of one's own where fetched keys are kept."""
    issuer = url or scene.issuer.url
    folder = scene.folder / "cache"
    folder.mkdir()
    folder.chmod(mode)
    entry = {
        "issuer": issuer,
        "fetchedAt": at.timestamp(),
        "keys": {"keys": [jwk_of("mine")]},
    }
    name = hashlib.sha256(issuer.encode()).hexdigest()
    file = folder / f"{name}.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(entry))
    scene.settings = replace(scene.settings, cache_folder=str(folder))
    return folder


# --- where keys are fetched
CANNOT = "The keys of the issuer github cannot be used: "


@attack("keys that redirect", f"{CANNOT}it redirects, which is not followed.")
def _(scene: Scene) -> str:
    scene.issuer.server.answer(KEYS, Reply(status=302, headers={"Location": "/mine"}))
    scene.issuer.server.answer("/mine", replied({"keys": [jwk_of("mine")]}))
    return signed(scene.claims(), kid="mine")


def offering(scene: Scene, **about: Any) -> str:
    """Let the issuer's configuration say something else."""
    said = {"issuer": scene.issuer.url, "jwks_uri": f"{scene.issuer.url}{KEYS}", **about}
    scene.issuer.server.answer(CONFIGURATION, replied(said))
    return scene.token()


attack(
    "keys by plain http from another host",
    f"{CANNOT}plain http is taken only to this machine itself.",
)(lambda scene: offering(scene, jwks_uri="http://issuer.example/keys"))
attack(
    "keys in a file of the machine", f"{CANNOT}that is no address of the form https://host/path."
)(lambda scene: offering(scene, jwks_uri="file:///etc/passwd"))
attack("keys behind a password", f"{CANNOT}that is no address of the form https://host/path.")(
    lambda scene: offering(scene, jwks_uri="https://a:b@issuer.example/keys")
)
attack(
    "a configuration of another issuer",
    "The configuration of the issuer github cannot be used: it names another issuer than the "
    "policy does.",
)(lambda scene: offering(scene, issuer="https://issuer.example"))


@attack("keys without an end", f"{CANNOT}its answer is too long.")
def _(scene: Scene) -> str:
    scene.issuer.server.answer(KEYS, Reply(body=b" " * 300_000))
    return scene.token()


@attack("keys that are no JSON", f"{CANNOT}its answer is no JSON object.")
def _(scene: Scene) -> str:
    scene.issuer.server.answer(KEYS, Reply(body=b"<html>"))
    return scene.token()


# --- whom it is from, whom it is for, when
told({"iss": "https://issuer.example"}, "a wrong iss", STRANGE_ISS)
attack("the iss with a slash at its end", STRANGE_ISS)(
    lambda scene: scene.token(iss=f"{scene.issuer.url}/")
)
attack("an iss in a list", STRANGE_ISS)(lambda scene: forged(scene.claims(iss=[scene.issuer.url])))
told({"aud": "https://vault.example"}, "a wrong audience", OTHER_AUD)
told({"aud": ["vault", AUDIENCE]}, "a list of audiences with ours among others", OTHER_AUD)
told({"aud": None}, "no audience", OTHER_AUD)
told({"aud": AUDIENCE.upper()}, "the audience in other letters", OTHER_AUD)
attack("a token that has expired", "The token has expired (exp).")(
    lambda scene: scene.token(exp=int((NOW - timedelta(seconds=30)).timestamp()))
)
attack("a token that does not count yet", "The token does not count yet (nbf).")(
    lambda scene: scene.token(nbf=int((NOW + timedelta(seconds=31)).timestamp()))
)
attack("a token that was not yet made", "The token does not count yet (iat).")(
    lambda scene: scene.token(iat=int((NOW + timedelta(seconds=31)).timestamp()))
)
told({"exp": None}, "no exp", "The token does not say when it ends (exp).")
told({"exp": "never"}, "an exp that is no time", "The token does not say when it ends (exp).")
told({"exp": True}, "an exp that is a flag", "The token does not say when it ends (exp).")
told(
    {"exp": float("nan")},
    "an exp that no time reaches",
    "The token does not say when it ends (exp).",
)
told({"exp": float("inf")}, "an exp without end", "The token does not say when it ends (exp).")

# --- of whom it speaks
told({"ref": "refs/heads/feature"}, "a wrong ref", differs("ref"))
told({"ref": "refs/heads/main-2"}, "a ref that only starts with the right one", differs("ref"))
told({"ref": "refs/heads/Main"}, "a ref in other letters", differs("ref"))
told({"ref": "refs/heads/main\n"}, "a ref with more behind it", differs("ref"))
told(
    {"repository_id": "7654321"},
    "a repository of the same name, made anew by somebody else",
    differs("repository_id"),
)
told(
    {"repository_id": "acme/platform-keys"},
    "a name where the id is bound",
    differs("repository_id"),
)
told({"repository_id": 1234567}, "a claim that is a number", differs("repository_id"))
told({"ref": ["refs/heads/main"]}, "a claim that is a list", differs("ref"))
told({"ref": {"refs/heads/main": True}}, "a claim that is an object", differs("ref"))
told({"environment": None}, "a job without the environment", differs("environment"))
told(
    {"ref": "refs/pull/7/merge", "event_name": "pull_request", "environment": None},
    "a job of a pull request",
    differs("environment", "ref"),
)


@attack(
    "the claims of two principals at once",
    "The token's claims are those of more than one principal of github: apply, wide.",
)
def _(scene: Scene) -> str:
    wide = BoundPrincipal(name="wide", claims=(("repository_id", "1234567"),))
    scene.trust(principals=(BOUND, wide))
    return scene.token()


@attack(
    "an issuer that stands in the policy twice",
    "The policy has github, other with the same url and audience: it is not clear whose the token "
    "is.",
)
def _(scene: Scene) -> str:
    scene.trusted.append(scene.issuer.policy(name="other"))
    return scene.token()


def test_the_token_that_every_row_bends_is_sound(scene: Scene) -> None:
    """Else each row could be refused for another reason than its own."""
    assert scene.ask(scene.token()) == "github:apply"
    assert scene.ask(scene.token(aud=[AUDIENCE])) == "github:apply"
    assert scene.ask(scene.token(), NOW + timedelta(minutes=5, seconds=29)) == "github:apply"
    assert scene.ask(scene.token(), NOW - timedelta(seconds=30)) == "github:apply"


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_each_algorithm_that_a_policy_can_pin_is_verified(
    scene: Scene, algorithm: SigningAlgorithm
) -> None:
    """By a published key, and by one that is pinned."""
    name = algorithm.value
    scene.issuer.publish(jwk_of("one", name))
    token = signed(scene.claims(), algorithm=name)
    for keys in ((), (thumbprint_of("one", name),)):
        scene.trust(algorithm=algorithm, keys=keys)
        assert scene.ask(token) == "github:apply"


@pytest.mark.parametrize("name", TABLE)
def test_an_attack_is_refused_with_the_reason_and_without_the_token(
    name: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 5, one sentence, one advice; nothing of the token in any frame of the error."""
    monkeypatch.chdir(scene.folder)
    arrange, said = TABLE[name]
    token = arrange(scene)
    with pytest.raises(IdentityRefused) as met:
        scene.ask(token)
    assert met.value.message == said
    assert met.value.advice
    assert met.value.exit_code is ExitCode.REFUSED
    parts = [part for part in re.split(r"\.", token) if len(part) > 10]
    told_all = "\n".join(everything_in(met.value))
    assert [part for part in parts if part in told_all] == []


def test_nobody_is_asked_for_keys_by_a_token_of_a_strange_issuer(scene: Scene) -> None:
    """A token cannot send us anywhere: only addresses of the policy are reached."""
    with canned() as elsewhere, pytest.raises(IdentityRefused):
        scene.ask(scene.token(iss=elsewhere.address, jku=elsewhere.address))
    assert elsewhere.received == []
    assert scene.issuer.server.received == []
