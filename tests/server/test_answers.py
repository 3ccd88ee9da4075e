"""Every decision has one answer, to the byte; nothing tells failures apart before a proof."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import Disclosure
from reconciler.credentials.verdict import UNDISCLOSED, Allowed, DenialReason, Denied
from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import VersionState
from reconciler.model.scopes import ScopeGrant
from reconciler.server.answers import (
    AUTH_HEADERS,
    Answer,
    Asked,
    Manner,
    Misconfigured,
    answer_of,
    auth_headers,
)
from reconciler.server.presented import Contradictory, NotPresented
from reconciler.server.reasons import told_about
from tests.credentials.examples import HOUR, NOON, RECORD, VERSION, VERSION_ID, stored

ASKED = Asked(scope="Reviews:operate", address="198.51.100.7")
MANNERS = [
    Manner(disclosure=disclosure, is_for_nginx=is_for_nginx)
    for disclosure in Disclosure
    for is_for_nginx in (False, True)
]
CHALLENGE = 'Bearer realm="keyrec"'
ROW = stored(
    record={"expires_at": NOON}, version={"state": VersionState.RETIRED, "retired_at": NOON - HOUR}
)


def denied(reason: DenialReason) -> Denied:
    """Give the verdict as the decision gives it: with the key where its secret was right."""
    early = {"malformed", "checksum", "wrong-environment", "unknown-id", "wrong-secret"}
    is_known = reason not in early and not Denied(reason=reason).is_undecided
    return Denied(reason=reason, version_id=VERSION_ID, record=ROW.record if is_known else None)


def problem(status: int, code: str, title: str, **more: str) -> bytes:
    """Write a body as the contract has it."""
    members: dict[str, Any] = {
        "type": f"urn:keyrec:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
    }
    return (json.dumps(members | more) + "\n").encode()


def refused(status: int, challenge: str | None, body: bytes, *more: tuple[str, str]) -> Answer:
    """Give a whole refusal: the headers in their order."""
    shown = () if challenge is None else (("WWW-Authenticate", challenge),)
    first = (("Cache-Control", "no-store"), ("Content-Type", "application/problem+json"))
    return Answer(status=status, headers=(*first, *shown, *more), body=body)


INVALID = refused(
    401,
    f'{CHALLENGE}, error="invalid_token"',
    problem(401, "invalid-key", "The key is not valid"),
)
UNDECIDED = problem(
    503,
    "undecided",
    "Keys cannot be checked at the moment",
    detail="Nothing is known of the key; send the same request again.",
)


def ended(code: str, title: str, detail: str, **more: str) -> Answer:
    """Give the refusal of a proven key that may be used by nobody."""
    challenge = f'{CHALLENGE}, error="invalid_token", error_description="{title}"'
    return refused(401, challenge, problem(401, code, title, detail=detail, **more))


def kept_out(code: str, title: str, detail: str, **more: str) -> Answer:
    """Give the refusal of a proven key that may not be used for this, or from here."""
    return refused(403, None, problem(403, code, title, detail=detail, **more))


SCOPE = refused(
    403,
    f'{CHALLENGE}, error="insufficient_scope", scope="Reviews:operate"',
    problem(
        403,
        "insufficient-scope",
        "The key may not do this",
        detail="The call needs a scope that the key was not granted.",
        required_scope="Reviews:operate",
    ),
)
NEVER_AGAIN = "It will never work again; ask its owner for another key."
TOLD = {
    DenialReason.KEY_REMOVED: ended("key-removed", "The key was removed", NEVER_AGAIN),
    DenialReason.KEY_INACTIVE: ended(
        "key-inactive", "The key is deactivated", "It works again once its owner activates it."
    ),
    DenialReason.KEY_HELD: ended(
        "key-held", "The key is on hold", "It was stopped in an emergency; ask its owner."
    ),
    DenialReason.KEY_EXPIRED: ended(
        "key-expired", "The key has expired", NEVER_AGAIN, expired_at="2026-11-24T12:00:00Z"
    ),
    DenialReason.VERSION_RETIRED: ended(
        "version-retired",
        "The key was rotated",
        "This secret was replaced; fetch the new one from where it is kept.",
        retired_at="2026-11-24T11:00:00Z",
    ),
    DenialReason.ADDRESS_UNKNOWN: kept_out(
        "address-unknown",
        "The client's address is not known",
        "The key has an allowlist, and the address that the request comes from cannot be told.",
    ),
    DenialReason.ADDRESS_NOT_ALLOWED: kept_out(
        "address-not-allowed",
        "The key may not be used from this address",
        "The address that the request comes from is not in the key's allowlist.",
        observed_address="198.51.100.7",
    ),
    DenialReason.UNKNOWN_SCOPE: kept_out(
        "unknown-scope",
        "The gateway asks for a scope that does not exist",
        "This is the operator's to correct: the catalogue in force does not have the scope that "
        "the call is said to need.",
        required_scope="Reviews:operate",
    ),
    DenialReason.INSUFFICIENT_SCOPE: SCOPE,
}


def expected(reason: DenialReason, manner: Manner) -> Answer:
    """Give the contract's answer to a refusal."""
    if reason in {DenialReason.UNAVAILABLE, DenialReason.OVERLOADED}:
        status = 403 if manner.is_for_nginx else 503
        body = UNDECIDED.replace(b"503", str(status).encode())
        return refused(status, None, body, ("Retry-After", "1"))
    is_told = manner.disclosure is Disclosure.HOLDER or reason is DenialReason.INSUFFICIENT_SCOPE
    return TOLD[reason] if is_told and reason in TOLD else INVALID


@pytest.mark.parametrize("manner", MANNERS, ids=lambda m: f"{m.disclosure}-{m.is_for_nginx}")
@pytest.mark.parametrize("reason", DenialReason)
def test_each_reason_has_one_answer_in_each_manner(reason, manner) -> None:
    """Status, headers and body, to the byte."""
    assert answer_of(denied(reason), manner=manner, asked=ASKED) == expected(reason, manner)


@pytest.mark.parametrize("manner", MANNERS, ids=lambda m: f"{m.disclosure}-{m.is_for_nginx}")
def test_without_a_key_the_challenge_names_no_error(manner) -> None:
    """RFC 6750, section 3.1: whoever showed nothing is told how to show a key."""
    body = problem(
        401,
        "missing-credential",
        "No key was presented",
        detail="Send the key as `Authorization: Bearer` or as `X-API-Key`, never in an address.",
    )
    assert answer_of(NotPresented(), manner=manner) == refused(401, CHALLENGE, body)


@pytest.mark.parametrize("manner", MANNERS, ids=lambda m: f"{m.disclosure}-{m.is_for_nginx}")
def test_two_different_keys_are_refused_as_a_wrong_one_is(manner) -> None:
    """Which of them would have been right is not said."""
    assert answer_of(Contradictory(), manner=manner) == INVALID


def test_a_gateway_that_asks_wrongly_is_refused_by_a_status_that_each_understands() -> None:
    """403 closes the door behind every proxy."""
    body = problem(403, "misconfigured", "The gateway asks wrongly", detail="so and so")
    assert answer_of(Misconfigured(detail="so and so")) == refused(403, None, body)


@given(
    reason=st.sampled_from(sorted(UNDISCLOSED - {"unavailable", "overloaded"})),
    version_id=st.none() | st.text(),
    asked=st.builds(Asked, scope=st.none() | st.text(), address=st.none() | st.text()),
    manner=st.sampled_from(MANNERS),
    record=st.sampled_from([None, RECORD]),
)
def test_nothing_tells_refusals_apart_before_the_secret_is_proven(
    reason, version_id, asked, manner, record
) -> None:
    """One identical 401, whatever was found out and whatever was asked."""
    verdict = Denied(reason=reason, version_id=version_id, record=record)
    answer = answer_of(verdict, manner=manner, asked=asked)
    assert answer == INVALID


@pytest.mark.parametrize("reason", sorted(UNDISCLOSED))
def test_there_are_no_words_for_what_nobody_is_told(reason) -> None:
    """A mistake elsewhere ends in an error, not in a hint."""
    with pytest.raises(ValueError, match="nobody is told"):
        told_about(denied(reason), scope=None, address=None)


def test_what_is_not_known_is_left_out() -> None:
    """A holder's body has no empty members."""
    for reason in TOLD:
        body = json.loads(answer_of(Denied(reason=reason)).body)
        assert {*body} == {"type", "title", "status", "code", "detail"}


def test_a_retiring_version_past_its_deadline_names_the_deadline() -> None:
    """Its end was not written down yet."""
    row = stored(version={"state": VersionState.RETIRING, "retire_at": NOON})
    verdict = Denied(reason=DenialReason.VERSION_RETIRED, version_id=VERSION_ID, record=row.record)
    assert json.loads(answer_of(verdict).body)["retired_at"] == "2026-11-24T12:00:00Z"


def test_allowed_tells_the_gateway_everything_in_a_fixed_order() -> None:
    """200, no body, every header."""
    paris = timezone(timedelta(hours=1))
    row = stored(
        record={"expires_at": NOON.astimezone(paris)},
        version={"state": VersionState.RETIRING, "retire_at": NOON + HOUR},
    )
    assert answer_of(Allowed(record=row.record, version=row.version)) == Answer(
        status=200,
        headers=(
            ("Cache-Control", "no-store"),
            ("X-Auth-Key-Id", RECORD.key_id),
            ("X-Auth-Key-Name", "billing-sync"),
            ("X-Auth-Key-Version", VERSION_ID),
            ("X-Auth-Workspace", "payments"),
            ("X-Auth-Environment", "prod"),
            ("X-Auth-Scopes", "Reviews:read Webhooks:change"),
            ("X-Auth-Expires-At", "2026-11-24T12:00:00Z"),
            ("X-Auth-Retiring", "true"),
            ("X-Auth-Rotate-By", "2026-11-24T13:00:00Z"),
        ),
    )


def test_a_header_with_nothing_to_say_is_there_and_says_none() -> None:
    """So a proxy that copies it leaves no room for one of the client's."""
    row = stored(fields={"scopes": ()})
    headers = dict(auth_headers(Allowed(record=row.record, version=row.version)))
    assert tuple(headers) == AUTH_HEADERS
    assert headers["X-Auth-Scopes"] == "none"
    assert headers["X-Auth-Expires-At"] == "none"
    assert headers["X-Auth-Rotate-By"] == "none"
    assert headers["X-Auth-Retiring"] == "false"


def test_a_retiring_version_without_a_deadline_is_marked() -> None:
    """It waits for evidence that nobody uses it: its user should fetch the new one."""
    row = stored(version={"state": VersionState.RETIRING})
    headers = dict(auth_headers(Allowed(record=row.record, version=row.version)))
    assert headers["X-Auth-Retiring"] == "true"
    assert headers["X-Auth-Rotate-By"] == "none"


@given(text=st.text(st.characters(), min_size=1), realm=st.text())
def test_no_text_of_the_store_or_a_question_breaks_out_of_a_header(text, realm) -> None:
    """Values hold printable ASCII, challenges balanced quotes, scopes no blanks of their own."""
    grant = ScopeGrant(resource=text, level="read")
    record = replace(
        RECORD,
        address=KeyAddress(workspace=text, name=text),
        fields=replace(RECORD.fields, scopes=(grant, grant)),
    )
    verdict = Denied(reason=DenialReason.INSUFFICIENT_SCOPE, record=record)
    answers = (
        answer_of(Allowed(record=record, version=VERSION)),
        answer_of(verdict, manner=Manner(realm=realm), asked=Asked(scope=text)),
    )
    for name, value in (pair for answer in answers for pair in answer.headers):
        assert value.isascii(), name
        assert value.isprintable(), name
        if name == "WWW-Authenticate":
            assert value.count('"') == 6
        if name == "X-Auth-Scopes":
            assert value.count(" ") == 1
