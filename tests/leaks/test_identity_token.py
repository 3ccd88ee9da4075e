"""Where an identity token could get out: output at -vv, files, the store with its audit events, the
cache of keys, errors with the locals of their frames. A planted one is found.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import hvac.adapters
import jwt
import pytest
import yaml
from pydantic import SecretStr

from reconciler.adapters import (
    identity_token,
    signed_token,
    vault_login,
    vault_pool,
    vault_wire,
    web_get,
)
from reconciler.adapters.oidc_identity import TokenIdentity
from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import IdentitySettings, TokenRequest, VaultAuth, VaultAuthMethod
from reconciler.errors import KeyrecError
from tests.adapters.vault_rigs import HEALTH, HEALTHY, PATH, opened
from tests.contracts.sink_rigs import payload
from tests.e2e.desk import Desk
from tests.leaks.test_channels import everything_in
from tests.services.canned import canned, replied
from tests.services.identity_issuer import (
    AUDIENCE,
    REQUEST,
    IdentityIssuer,
    identity_issuer,
    signed,
)

KEY = """
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {name: shop}
    spec: {admins: ["github:apply"]}
    ---
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata: {name: a, workspace: shop, owner: team-a}
    spec: {environment: prod, scopes: {Reviews: read}}
"""
REQUEST_TOKEN = "eyJhcmVxdWVzdHRva2Vu.ZXZlcnl0aGluZ3RoYXRpc2dpdmVu.YW5kbm90aGluZ3RoYXRpc3Nob3du"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("plan", "-o", "plan.json"),
    ("plan", "--format", "json"),
    ("apply", "--auto-approve"),
    ("apply", "--auto-approve", "--format", "json"),
    ("apply", "--maintenance"),
    ("rotate", "shop/a"),
    ("hold", "shop/a", "--reason", "a drill"),
    ("release", "shop/a"),
    ("rotate", "shop/a", "--leaked"),
    ("lock", "release"),
    ("audit", "acknowledge"),
    ("adopt", "shop/a"),
    ("history", "shop/a", "--format", "json"),
    ("audit", "verify"),
    ("doctor",),
    ("doctor", "--format", "json"),
)
FEW = (("apply", "--auto-approve"), ("doctor",))
WAYS = {"a variable": COMMANDS, "a file": FEW, "GitHub's endpoint": FEW}
"""The ways in which a token is shown, each with the commands that are tried."""


def forms_of(token: str) -> Iterator[bytes]:
    """Give every part of a token in the dresses that it may wear."""
    for part in token.split("."):
        raw = part.encode()
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode())
        yield base64.urlsafe_b64decode(part + "==")
        for offset in range(3):
            yield base64.b64encode(b"\0" * offset + raw)[4:-4]


def is_in(content: bytes, tokens: list[str]) -> bool:
    """Whether any part of any token stands in the content."""
    return any(form in content for token in tokens for form in forms_of(token))


@pytest.fixture
def issuer() -> Iterator[IdentityIssuer]:
    """Give an issuer."""
    with identity_issuer() as made:
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A desk in mode `oidc`, and every token that was shown at it."""

    desk: Desk
    tokens: list[str]

    def left_behind(self) -> list[str]:
        """Name what holds a token: outputs, files below the desk, the store."""
        found = [
            f"output {number}"
            for number, shown in enumerate(self.desk.shown)
            if is_in(shown.encode(), self.tokens)
        ]
        for path in sorted(self.desk.folder.parent.rglob("*")):
            content = path.read_bytes() if path.is_file() else b""
            if path.name != "shown-by-ci" and is_in(str(path).encode() + content, self.tokens):
                found.append(path.name)
        with closing(sqlite3.connect(self.desk.folder / ".keyrec/keys.db")) as database:
            rows = "\n".join(database.iterdump())
        assert "github:apply" in rows
        return found + (["the store"] if is_in(rows.encode(), self.tokens) else [])


@pytest.fixture
def journey(local_desk: Desk, issuer: IdentityIssuer) -> Journey:
    """Give a desk whose store trusts the issuer."""
    path = local_desk.folder / "keys/policy.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    bound = {"apply": {"repository_id": "1234567", "environment": "keys"}}
    trusted = {"url": issuer.url, "audience": AUDIENCE, "principals": bound}
    document["spec"]["authorization"] = {
        "mode": "oidc",
        "platformAdmins": ["github:apply"],
        "issuers": {"github": trusted},
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    local_desk.apply()
    local_desk.write("keys/shop/a.yaml", textwrap.dedent(KEY))
    return Journey(desk=local_desk, tokens=[REQUEST_TOKEN])


def show(journey: Journey, issuer: IdentityIssuer, way: str, token: str) -> None:
    """Give the next commands a token."""
    journey.tokens.append(token)
    environment = journey.desk.environment
    match way:
        case "a variable":
            environment["KEYREC_IDENTITY_TOKEN"] = token
        case "a file":
            file = journey.desk.folder.parent / "shown-by-ci"
            file.write_text(token)
            environment["KEYREC_IDENTITY_TOKEN_FILE"] = str(file)
        case _:
            issuer.server.answer(REQUEST, replied({"value": token}))
            environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{issuer.url}{REQUEST}?v=2"
            environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = REQUEST_TOKEN


@pytest.mark.parametrize("way", WAYS)
def test_an_identity_token_is_left_nowhere(
    way: str, journey: Journey, issuer: IdentityIssuer
) -> None:
    """Every command that names an actor, with all it can say; with a sound token and with bad ones."""
    show(journey, issuer, way, issuer.token())
    for command in WAYS[way]:
        said = journey.desk.try_keyrec("-vv", *command)
        assert said.code in {0, 2}, (command, said.everything)
    for bad in (
        issuer.token(exp=1),
        issuer.token(environment="other"),
        signed(issuer.claims(), kid="unknown"),
        f"{issuer.token()[:-8]}AAAAAAAA",
    ):
        show(journey, issuer, way, bad)
        for command in (("apply", "--auto-approve"), ("plan",)):
            said = journey.desk.try_keyrec("-vv", *command)
            assert said.code == (0 if command == ("plan",) else 5), said.everything
        assert journey.desk.try_keyrec("-vv", "doctor").code == 1
    assert journey.left_behind() == []
    kept = journey.desk.folder.parent / "home/.cache/keyrec/issuers"
    assert len(list(kept.iterdir())) == 1


def test_a_token_that_is_left_somewhere_is_found(journey: Journey, issuer: IdentityIssuer) -> None:
    """The search itself can fail: in a file's name, in a file, in an output, in any dress."""
    token = issuer.token()
    show(journey, issuer, "a variable", token)
    journey.desk.keyrec("apply", "--auto-approve")
    assert journey.left_behind() == []
    signature = token.split(".")[2]
    (journey.desk.folder / "a-note").write_text(token.encode().hex())
    (journey.desk.folder / signature[:200]).write_text("")
    journey.desk.shown.append(f"a token: {signature}")
    number = len(journey.desk.shown) - 1
    assert set(journey.left_behind()) == {"a-note", f"output {number}"}
    (journey.desk.folder / "whole").write_bytes(base64.b64encode(b"x" + token.encode()))
    assert "whole" in journey.left_behind()


FAULTS = (RuntimeError, KeyboardInterrupt, MemoryError)
BROKEN: dict[str, tuple[Any, str]] = {
    "while the signature is checked": (jwt.PyJWS, "decode_complete"),
    "while the token is looked at": (jwt.PyJWS, "get_unverified_header"),
    "while claims are read": (signed_token, "_object"),
    "while GitHub is asked": (web_get, "_connection"),
    "while GitHub answers": (web_get, "_body"),
    "while its answer is read": (json, "loads"),
    "while the token is taken": (identity_token, "_presented"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_anywhere_keeps_no_frame_that_holds_the_token(
    name: str,
    fault: type[BaseException],
    issuer: IdentityIssuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a fault of a library, Ctrl-C or no memory leave in an error, locals and all."""
    token = issuer.token(datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc))
    issuer.server.answer(REQUEST, replied({"value": token}))
    request = TokenRequest(url=f"{issuer.url}{REQUEST}", token=SecretStr(REQUEST_TOKEN))
    settings = IdentitySettings(request=request)
    identity = TokenIdentity(
        settings, (issuer.policy(),), now=lambda: datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
    )

    def broken(*_: object, **__: object) -> None:
        raise fault

    place, attribute = BROKEN[name]
    monkeypatch.setattr(place, attribute, broken)
    with pytest.raises(fault) as met:
        identity.principal()
    monkeypatch.undo()
    told = "\n".join(everything_in(met.value)).encode(errors="replace")
    assert not is_in(told, [token, REQUEST_TOKEN])


BROKEN_LOGINS: dict[str, tuple[Any, str]] = {
    "while it is written": (vault_pool, "message"),
    "while it is put together": (hvac.adapters.Adapter, "post"),
    "while Vault answers": (vault_pool, "answer"),
    "while the answer comes": (vault_wire._Incoming, "through"),
    "while the answer is read": (vault_login, "_login"),
    "while a file is read": (vault_login, "_from_file"),
}
CALLS: dict[str, Callable[[VaultSink], object]] = {
    "the anchor": lambda sink: sink.read_anchor(),
    "a look": lambda sink: sink.observe(PATH),
    "a write": lambda sink: sink.write(PATH, payload(), expected=0),
    "the preflight": lambda sink: sink.preflight(),
}


def logins(issuer: IdentityIssuer, token: str, file: str) -> dict[str, VaultAuth]:
    """Give every login that shows a credential; each shows this token, by its own way."""
    jwt_login = VaultAuth(method=VaultAuthMethod.JWT, mount="jwt", role="r")
    approle = VaultAuth(method=VaultAuthMethod.APPROLE, mount="approle", role_id="r")
    request = TokenRequest(url=f"{issuer.url}{REQUEST}", token=SecretStr(REQUEST_TOKEN))
    return {
        "a jwt": replace(jwt_login, jwt=SecretStr(token)),
        "a jwt of a file": replace(jwt_login, jwt_file=file),
        "a jwt of GitHub": replace(jwt_login, request=request, audience="https://vault"),
        "kubernetes": replace(jwt_login, method=VaultAuthMethod.KUBERNETES, jwt_file=file),
        "approle": replace(approle, secret_id=SecretStr(token)),
        "a token of a file": VaultAuth(token_file=file),
    }


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", BROKEN_LOGINS)
def test_a_fault_during_the_login_to_vault_keeps_no_frame_that_holds_what_was_shown(
    name: str,
    fault: type[BaseException],
    issuer: IdentityIssuer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By every login, whatever asked for it first; such a token may be keyrec's own."""
    token = issuer.token(datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc))
    issuer.server.answer(REQUEST, replied({"value": token}))
    (tmp_path / "shown").write_text(token)
    place, attribute = BROKEN_LOGINS[name]
    real = getattr(place, attribute)

    def broken(*given: Any, **named: Any) -> Any:
        if given and getattr(given[0], "port", None) == issuer.server.port:
            return real(*given, **named)  # GitHub is asked: what that leaves is tested above
        raise fault

    met = 0
    with canned() as vault:
        vault.answer(HEALTH, HEALTHY)
        for how, auth in logins(issuer, token, str(tmp_path / "shown")).items():
            for asked, call in CALLS.items():
                with opened(vault.address, auth=auth, max_retries=0) as sink:
                    monkeypatch.setattr(place, attribute, broken)
                    try:
                        call(sink)
                    except (fault, KeyrecError) as error:
                        told = "\n".join(everything_in(error)).encode(errors="replace")
                        assert not is_in(told, [token, REQUEST_TOKEN]), (how, asked)
                        met += type(error) is fault
                    monkeypatch.undo()
    assert met
