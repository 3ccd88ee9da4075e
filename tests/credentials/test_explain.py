"""Why a key does not work: one check for each row of the console page's table."""

import dataclasses
import itertools
from datetime import timedelta
from typing import Any

import pytest

from reconciler.credentials.access import USE_RULES, decide
from reconciler.credentials.checks import CheckName
from reconciler.credentials.damage import Damage, DamageKind
from reconciler.credentials.explain import (
    USE_CHECKS,
    Explanation,
    explain,
    explain_stored,
)
from reconciler.credentials.verdict import (
    Allowed,
    Circumstances,
    DenialReason,
    Denied,
    Issuer,
    Presented,
)
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.scopes import ScopeGrant
from reconciler.model.token import TokenFault
from tests.credentials.examples import (
    API_KEY,
    HOUR,
    NOON,
    RECORD,
    VERSION,
    VERSION_ID,
    parsed,
    stored,
)

HERE = Issuer(prefix="krk", environment="prod")
NOW = Circumstances(now=NOON, issuer=HERE)
EARLIER = "not checked: an earlier check failed"
NOT_PRESENTED = "not checked: no secret was presented"
RANGES = ("203.0.113.0/24", "2001:db8::/32")
UPDATE = (
    "update the secret in the external system and redeploy when needed; "
    f"it is at payments/prod/billing-sync (…{VERSION.last_characters})"
)
SUCCESSOR = dataclasses.replace(VERSION, version_id="new", last_characters="wxyz")


def lines(explanation: Explanation) -> dict[str, tuple[bool | None, str, str]]:
    """Give the checks by name."""
    return {c.name.value: (c.passed, c.message, c.advice) for c in explanation.checks}


def explained(circumstances: Circumstances = NOW, **changes: Any) -> Explanation:
    """Explain a proven key with some things changed."""
    row = stored(**changes)
    return explain(Presented(token=parsed(), stored=row, is_match=True), circumstances)


def test_a_key_that_works_passes_every_check():
    """Each line says what was found, and none advises anything."""
    circumstances = dataclasses.replace(
        NOW, address="203.0.113.7", wanted=ScopeGrant(resource="Webhooks", level="read")
    )

    explanation = explained(circumstances, fields={"allowlist": RANGES, "ranges": RANGES})

    assert isinstance(explanation.verdict, Allowed)
    assert explanation.version_id == VERSION_ID
    assert explanation.last_characters == VERSION.last_characters
    assert explanation.address == RECORD.address
    assert lines(explanation) == {
        "copied value": (True, "form and checksum are right", ""),
        "environment": (True, "the key is for prod", ""),
        "known id": (True, "a secret of payments/billing-sync", ""),
        "secret": (True, "the secret is the one that was issued", ""),
        "leak": (True, "not reported leaked", ""),
        "removal": (True, "not removed", ""),
        "active": (True, "active", ""),
        "hold": (True, "not held", ""),
        "expiration": (True, "never expires", ""),
        "version": (True, "the current secret", ""),
        "address": (True, "203.0.113.7 is inside the IP allowlist", ""),
        "scope": (
            True,
            "Webhooks:read is covered; the key holds Reviews:read, Webhooks:change",
            "",
        ),
    }


AGAIN = "copy the whole value again from its sink path"


@pytest.mark.parametrize(
    ("token", "issuer", "failed", "message", "advice"),
    [
        (
            TokenFault.MALFORMED,
            HERE,
            "copied value",
            "the value does not have the form of a key",
            f"{AGAIN}, without quotes, spaces or line breaks",
        ),
        (
            TokenFault.CHECKSUM,
            HERE,
            "copied value",
            "the checksum does not fit: a character was changed, swapped or left out",
            AGAIN,
        ),
        (
            parsed(),
            Issuer(prefix="abc"),
            "copied value",
            "the value starts with krk_, keys here start with abc_",
            "it is a key of another system: copy the value from its sink path here",
        ),
        (
            parsed(),
            Issuer(environment="test"),
            "environment",
            "the key is for prod, it is used in test",
            "use the key of test: each environment has a key of its own",
        ),
        (
            parsed(),
            HERE,
            "known id",
            f"no secret has the version id {VERSION_ID}",
            "check that this is the store which issued the key",
        ),
    ],
    ids=["malformed", "altered", "other system", "other environment", "unknown"],
)
def test_a_key_that_does_not_authenticate_shows_the_first_check_that_failed(
    token, issuer, failed, message, advice
):
    """Row "Key does not authenticate": copied value and environment; the rest is not checked."""
    circumstances = dataclasses.replace(NOW, issuer=issuer)

    explanation = explain(Presented(token=token), circumstances)

    names = [name.value for name in CheckName]
    found = lines(explanation)
    assert list(found) == names
    assert found[failed] == (False, message, advice)
    assert all(found[name][0] is not False for name in names[: names.index(failed)])
    assert {found[name] for name in names[names.index(failed) + 1 :]} == {(None, EARLIER, "")}


def test_a_wrong_secret_of_a_known_id_says_where_the_right_one_is():
    """Row "I lost the complete key": rotate it and update the integration."""
    explanation = explain(Presented(token=parsed(), stored=stored()), NOW)

    found = lines(explanation)
    assert found["secret"] == (
        False,
        "the version id is known, but this is not its secret",
        (
            "copy the value again from payments/prod/billing-sync; "
            "a lost key cannot be shown again: run `keyrec rotate payments/billing-sync` "
            "and update the integration"
        ),
    )
    assert found["active"] == (None, EARLIER, "")
    assert explanation.address == RECORD.address


def test_a_malformed_value_is_named_by_nothing():
    """Neither id nor last characters of something that is no key."""
    explanation = explain(Presented(token=TokenFault.MALFORMED), NOW)

    assert (explanation.version_id, explanation.last_characters, explanation.address) == (
        None,
        None,
        None,
    )


def test_an_environment_that_nobody_named_is_not_compared():
    """The key's own environment is said all the same."""
    circumstances = dataclasses.replace(NOW, issuer=Issuer())

    explanation = explained(circumstances)

    assert isinstance(explanation.verdict, Allowed)
    assert lines(explanation)["environment"] == (
        None,
        "the key is for prod; no environment was named to compare",
        "",
    )


@pytest.mark.parametrize(
    ("changes", "name", "message", "advice"),
    [
        (
            {"version": {"leaked": True}},
            "leak",
            "this secret was reported leaked and was ended at once",
            f"find out where it leaked; {UPDATE}",
        ),
        (
            {"record": {"status": KeyStatus.REMOVED}},
            "removal",
            "payments/billing-sync was removed, which is permanent",
            "declare a new key where one is still needed",
        ),
        (
            {"fields": {"active": False}},
            "active",
            "the key is deactivated",
            "write `active: true` under spec of payments/billing-sync and apply",
        ),
        (
            {"record": {"hold": Hold(reason="looks stolen", by="local:alice", since=NOON)}},
            "hold",
            "held by local:alice since 2026-11-24 12:00:00 UTC: looks stolen",
            "once that is settled, run `keyrec release payments/billing-sync`",
        ),
        (
            {"record": {"expires_at": NOON - timedelta(seconds=1)}},
            "expiration",
            "the key expired at 2026-11-24 11:59:59 UTC",
            (
                "an expiration cannot be changed: raise `reissue` under spec of "
                "payments/billing-sync and apply, which makes a new key with a new expiration"
            ),
        ),
        (
            {
                "version": {"state": VersionState.RETIRED},
                "record": {"versions": (SUCCESSOR,)},
            },
            "version",
            "a rotation replaced this secret and its overlap is over",
            (
                "update the secret in the external system and redeploy when needed; "
                "it is at payments/prod/billing-sync (…wxyz)"
            ),
        ),
        (
            {"version": {"state": VersionState.RETIRED}, "record": {"versions": ()}},
            "version",
            "a rotation replaced this secret and its overlap is over",
            (
                "update the secret in the external system and redeploy when needed; "
                "it is at payments/prod/billing-sync"
            ),
        ),
    ],
    ids=["leaked", "removed", "inactive", "held", "expired", "rotated", "rotated, none left"],
)
def test_a_proven_key_that_is_refused_says_why_and_what_to_do(changes, name, message, advice):
    """Rows "does not authenticate" and "stopped after rotation": word for word."""
    explanation = explained(**changes)

    failed = {n: line for n, line in lines(explanation).items() if line[0] is False}
    assert failed == {name: (False, message, advice)}
    assert isinstance(explanation.verdict, Denied)


@pytest.mark.parametrize(
    ("changes", "name", "message", "advice"),
    [
        (
            {"record": {"expires_at": NOON + HOUR}},
            "expiration",
            "valid until 2026-11-24 13:00:00 UTC",
            "",
        ),
        (
            {"version": {"state": VersionState.PROVISIONAL}},
            "version",
            "a new secret, accepted while its delivery is being confirmed",
            "",
        ),
        (
            {
                "version": {"state": VersionState.RETIRING, "retire_at": NOON + HOUR},
                "record": {"versions": (SUCCESSOR,)},
            },
            "version",
            "a rotation replaced this secret; it is still accepted until 2026-11-24 13:00:00 UTC",
            (
                "before it ends: update the secret in the external system and redeploy when needed; "
                "it is at payments/prod/billing-sync (…wxyz)"
            ),
        ),
        (
            {"version": {"state": VersionState.RETIRING}, "record": {"versions": (SUCCESSOR,)}},
            "version",
            "a rotation replaced this secret; it is still accepted",
            (
                "before it ends: update the secret in the external system and redeploy when needed; "
                "it is at payments/prod/billing-sync (…wxyz)"
            ),
        ),
        ({}, "address", "no IP allowlist: any origin may use the key", ""),
    ],
    ids=["expires later", "provisional", "retiring", "waiting", "no allowlist"],
)
def test_a_passed_check_says_what_comes_next(changes, name, message, advice):
    """A key that works today shows what will end it."""
    assert lines(explained(**changes))[name] == (True, message, advice)


MANY = tuple(f"10.0.{n}.0/24" for n in range(7))


@pytest.mark.parametrize(
    ("ranges", "address", "message", "advice"),
    [
        (
            RANGES,
            "::ffff:198.51.100.7",
            "198.51.100.7 is outside the IP allowlist (203.0.113.0/24, 2001:db8::/32)",
            (
                "check the real request origin; where it is right, write "
                "`- 198.51.100.7` under spec.allowlist of payments/billing-sync and apply"
            ),
        ),
        (
            MANY,
            "2001:db8::7%eth0",
            (
                "2001:db8::7 is outside the IP allowlist (10.0.0.0/24, 10.0.1.0/24, 10.0.2.0/24, "
                "10.0.3.0/24, 10.0.4.0/24 and 2 more)"
            ),
            (
                "check the real request origin; where it is right, write "
                "`- 2001:db8::7` under spec.allowlist of payments/billing-sync and apply"
            ),
        ),
        (
            (),
            "198.51.100.7",
            "198.51.100.7 is outside the IP allowlist (which holds no range)",
            (
                "check the real request origin; where it is right, write "
                "`- 198.51.100.7` under spec.allowlist of payments/billing-sync and apply"
            ),
        ),
        (
            RANGES,
            None,
            "the key has an IP allowlist and no address was given",
            (
                "check the real request origin, as the service behind its proxies sees it, "
                "and name it with --ip"
            ),
        ),
        (
            RANGES,
            "10.0.0.1\x1b[2J",
            "the key has an IP allowlist and '10.0.0.1\\x1b[2J' is no address",
            (
                "check the real request origin, as the service behind its proxies sees it, "
                "and name it with --ip"
            ),
        ),
    ],
    ids=["outside", "outside of many", "no range", "no address", "nonsense"],
)
def test_a_key_that_works_locally_and_fails_in_production_shows_the_real_origin(
    ranges, address, message, advice
):
    """Row "Works locally, fails in production": the allowlist against the origin."""
    circumstances = dataclasses.replace(NOW, address=address)

    explanation = explained(circumstances, fields={"allowlist": ranges, "ranges": ranges})

    assert lines(explanation)["address"] == (False, message, advice)


HELD_SCOPES = "Reviews:read, Webhooks:change"


@pytest.mark.parametrize(
    ("wanted", "scopes", "line"),
    [
        (None, None, (None, f"no scope was asked for; the key holds {HELD_SCOPES}", "")),
        (None, (), (None, "no scope was asked for; the key holds no scope at all", "")),
        (
            "Reviews:operate",
            None,
            (
                False,
                f"the call needs Reviews:operate; the key holds {HELD_SCOPES}",
                (
                    "write `Reviews: operate` under spec.scopes of payments/billing-sync and apply, "
                    "which wants an admin of the workspace payments"
                ),
            ),
        ),
        (
            "Credentials:read",
            (),
            (
                False,
                "the call needs Credentials:read; the key holds no scope at all",
                (
                    "write `Credentials: read` under spec.scopes of payments/billing-sync and apply, "
                    "which wants an admin of the workspace payments"
                ),
            ),
        ),
        (
            "Reviews:write",
            None,
            (
                False,
                "there is no scope Reviews:write",
                "the levels of Reviews are read, operate",
            ),
        ),
        (
            "reviews:read",
            None,
            (
                False,
                "there is no scope reviews:read",
                "there are Credentials, Introspection, Repositories, Reviews, SecurityScans, Webhooks, Workspaces",
            ),
        ),
    ],
    ids=str,
)
def test_a_key_whose_access_is_denied_shows_the_line_to_paste(wanted, scopes, line):
    """Row "Access denied": the scopes, and the smallest change of the manifest."""
    grant = None
    if wanted is not None:
        resource, _, level = wanted.partition(":")
        grant = ScopeGrant(resource=resource, level=level)
    circumstances = dataclasses.replace(NOW, wanted=grant)

    explanation = explained(circumstances, fields={} if scopes is None else {"scopes": scopes})

    assert lines(explanation)["scope"] == line


def test_every_check_of_a_proven_key_is_made_whichever_fail():
    """Somebody who mends one thing is not surprised by the next."""
    circumstances = dataclasses.replace(NOW, address="198.51.100.7")

    explanation = explained(
        circumstances,
        fields={"active": False, "allowlist": RANGES, "ranges": RANGES},
        record={"expires_at": NOON},
    )

    failed = [c.name.value for c in explanation.checks if c.passed is False]
    assert failed == ["active", "expiration", "address"]
    assert isinstance(explanation.verdict, Denied)
    assert explanation.verdict.reason is DenialReason.KEY_INACTIVE


CHANGES: list[dict[str, Any]] = [
    {},
    {"version": {"leaked": True}},
    {"record": {"status": KeyStatus.REMOVED}},
    {"fields": {"active": False}},
    {"record": {"hold": Hold(reason="r", by="b", since=NOON)}},
    {"record": {"expires_at": NOON}},
    {"version": {"state": VersionState.RETIRED}},
    {"fields": {"allowlist": RANGES, "ranges": RANGES}},
    {"fields": {"scopes": ()}},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("address", [None, "203.0.113.7", "198.51.100.7"])
@pytest.mark.parametrize("level", [None, "read", "operate", "admire"])
def test_the_verdict_and_the_checks_never_disagree(changes, address, level):
    """A key is allowed exactly when no check failed."""
    wanted = None if level is None else ScopeGrant(resource="Reviews", level=level)
    circumstances = dataclasses.replace(NOW, address=address, wanted=wanted)
    presented = Presented(token=parsed(), stored=stored(**changes), is_match=True)

    explanation = explain(presented, circumstances)

    has_failed = any(check.passed is False for check in explanation.checks)
    assert isinstance(explanation.verdict, Denied) is has_failed
    assert explanation.verdict == decide(presented, circumstances)


def test_the_checks_stand_for_all_rules_in_their_order():
    """A new rule without a check would be a denial that nobody can explain."""
    assert tuple(itertools.chain.from_iterable(rules for _, rules, _ in USE_CHECKS)) == USE_RULES
    assert [name for name, _, _ in USE_CHECKS] == list(CheckName)[4:]


def test_a_stored_version_is_explained_without_its_secret():
    """For a key that is known by its id or last characters alone."""
    explanation = explain_stored(stored(fields={"active": False}), NOW)

    found = lines(explanation)
    missing = [name for name, line in found.items() if line[1] == NOT_PRESENTED]
    assert missing == ["copied value", "secret"]
    assert found["environment"] == (True, "the key is for prod", "")
    assert found["active"][0] is False
    assert explanation.version_id == VERSION_ID
    assert explanation.last_characters == VERSION.last_characters
    assert explanation.address == RECORD.address
    assert isinstance(explanation.verdict, Denied)


def test_a_stored_version_is_for_its_environment_alone_as_its_secret_would_be():
    """What the text of the key would say is known without it."""
    explanation = explain_stored(
        stored(), dataclasses.replace(NOW, issuer=Issuer(environment="test"))
    )

    assert isinstance(explanation.verdict, Denied)
    assert explanation.verdict.reason is DenialReason.WRONG_ENVIRONMENT
    assert lines(explanation)["environment"][:2] == (
        False,
        "the key is for prod, it is used in test",
    )


@pytest.mark.parametrize(
    ("damage", "message", "advice"),
    [
        (
            Damage(kind=DamageKind.CUT_OFF),
            "the value is cut off: its end is missing",
            f"{AGAIN}, without quotes, spaces or line breaks",
        ),
        (
            Damage(kind=DamageKind.QUOTES, meant=RECORD),
            "quotes stand around the value, or in it",
            (
                "copy the whole value again from payments/prod/billing-sync, where "
                "payments/billing-sync has it, without quotes, spaces or line breaks"
            ),
        ),
    ],
    ids=["of nobody", "of a known key"],
)
def test_a_damaged_value_says_which_damage_and_whose_key_it_was(damage, message, advice):
    """The key is named as far as the store knows it, the value by nothing."""
    explanation = explain(Presented(token=TokenFault.MALFORMED), NOW, damage=damage)

    assert lines(explanation)["copied value"] == (False, message, advice)
    assert (explanation.version_id, explanation.address) == (None, None)


@pytest.mark.parametrize(
    ("changes", "circumstances", "path", "text"),
    [
        ({"fields": {"active": False}}, NOW, ("spec", "active"), "true"),
        ({"record": {"expires_at": NOON}}, NOW, ("spec", "reissue"), "2"),
        (
            {},
            dataclasses.replace(NOW, wanted=ScopeGrant(resource="Reviews", level="operate")),
            ("spec", "scopes", "Reviews"),
            "operate",
        ),
        (
            {"fields": {"allowlist": ("network:ci", "10.0.0.0/8"), "ranges": ("10.0.0.0/8",)}},
            dataclasses.replace(NOW, address="198.51.100.7"),
            ("spec", "allowlist"),
            "198.51.100.7",
        ),
    ],
    ids=["active", "reissue", "scope", "allowlist"],
)
def test_what_the_manifest_should_say_is_a_value_too(changes, circumstances, path, text):
    """For whoever has the manifest at hand and can say in which line."""
    (wanted,) = (c.wanted for c in explained(circumstances, **changes).checks if c.wanted)

    assert (wanted.path, wanted.text) == (path, text)
    assert wanted.beside == (("{network: ci}", "10.0.0.0/8") if wanted.is_entry else ())


def test_an_explanation_never_shows_the_key():
    """Neither as a whole nor the secret part of it."""
    shown = repr(explained()) + repr(explain(Presented(token=parsed()), NOW))

    assert API_KEY.reveal() not in shown
    assert "SSSS" not in shown
