"""The decision about a presented key: every reason, and their order."""

import dataclasses
import itertools
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from reconciler.credentials.access import TEXT_RULES, USE_RULES, decide, decide_use, present
from reconciler.credentials.hashing import hash_key, verify
from reconciler.credentials.minting import mint
from reconciler.credentials.verdict import (
    UNDECIDED,
    Allowed,
    Circumstances,
    DenialReason,
    Denied,
    Issuer,
    Presented,
)
from reconciler.model.keys import Hold, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.policy import HashProfile
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.token import TokenFault
from reconciler.ports import StoredVersion
from tests.credentials.examples import API_KEY, HOUR, NOON, VERSION_ID, parsed, stored
from tests.fakes.system import FakeEntropy

TICK = timedelta(microseconds=1)
HELD = Hold(reason="looks stolen", by="local:alice", since=NOON - HOUR)
HERE = Issuer(prefix="krk", environment="prod")
NOW = Circumstances(now=NOON, issuer=HERE)


def outcome(presented: Presented, circumstances: Circumstances = NOW) -> str:
    """Give `allowed` or the reason of the denial."""
    verdict = decide(presented, circumstances)
    return "allowed" if isinstance(verdict, Allowed) else verdict.reason.value


# The matrix: every combination of these, against the table below.

Changes: TypeAlias = dict[str, dict[str, Any]]

STATES: Changes = {
    "provisional": {"state": VersionState.PROVISIONAL},
    "current": {"state": VersionState.CURRENT},
    "retiring": {"state": VersionState.RETIRING, "retire_at": NOON + TICK},
    "waiting": {"state": VersionState.RETIRING, "retire_at": None},
    "overdue": {"state": VersionState.RETIRING, "retire_at": NOON},
    "retired": {"state": VersionState.RETIRED, "retire_at": NOON - HOUR},
}
LEAKED: Changes = {"safe": {"leaked": False}, "leaked": {"leaked": True}}
STATUSES: Changes = {status.value: {"status": status} for status in KeyStatus}
ACTIVE: Changes = {"active": {"active": True}, "inactive": {"active": False}}
HOLDS: Changes = {"free": {"hold": None}, "held": {"hold": HELD}}
EXPIRIES: Changes = {
    "endless": {"expires_at": None},
    "valid": {"expires_at": NOON + TICK},
    "expired": {"expires_at": NOON},
}
RANGES = ("203.0.113.0/24", "2001:db8::/32")
PLACES: dict[str, tuple[dict[str, Any], str | None]] = {
    "anywhere": ({"allowlist": None, "ranges": None}, None),
    "inside": ({"allowlist": RANGES, "ranges": RANGES}, "::ffff:203.0.113.7"),
    "outside": ({"allowlist": RANGES, "ranges": RANGES}, "198.51.100.7"),
    "unknown": ({"allowlist": RANGES, "ranges": RANGES}, None),
}
SCOPES = {
    "none": None,
    "granted": ScopeGrant(resource="Webhooks", level="change"),
    "weaker": ScopeGrant(resource="Webhooks", level="read"),
    "stronger": ScopeGrant(resource="Reviews", level="operate"),
    "other": ScopeGrant(resource="Credentials", level="read"),
    "strange": ScopeGrant(resource="Reviews", level="admire"),
}

ANY = "*"
TABLE = """
leak    status      active    hold  expiry   version  place    scope     outcome
leaked  *           *         *     *        *        *        *         leaked
*       removed     *         *     *        *        *        *         key-removed
*       *           inactive  *     *        *        *        *         key-inactive
*       *           *         held  *        *        *        *         key-held
*       *           *         *     expired  *        *        *         key-expired
*       *           *         *     *        overdue  *        *         version-retired
*       *           *         *     *        retired  *        *         version-retired
*       *           *         *     *        *        unknown  *         address-unknown
*       *           *         *     *        *        outside  *         address-not-allowed
*       *           *         *     *        *        *        strange   unknown-scope
*       *           *         *     *        *        *        stronger  insufficient-scope
*       *           *         *     *        *        *        other     insufficient-scope
safe    live        active    free  endless  *        *        *         allowed
safe    live        active    free  valid    *        *        *         allowed
safe    superseded  active    free  endless  *        *        *         allowed
safe    superseded  active    free  valid    *        *        *         allowed
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
AXES = (LEAKED, STATUSES, ACTIVE, HOLDS, EXPIRIES, STATES, PLACES, SCOPES)


def expected(case: tuple[str, ...]) -> str:
    """Read the outcome from the first row of the table that fits."""
    return next(
        row[-1]
        for row in ROWS
        if all(cell in {ANY, value} for cell, value in zip(row, case, strict=False))
    )


def decided(case: tuple[str, ...]) -> str:
    """Ask the real decision."""
    leak, status, active, hold, expiry, version, place, scope = case
    fields, address = PLACES[place]
    key = stored(
        record={**STATUSES[status], **HOLDS[hold], **EXPIRIES[expiry]},
        fields={**ACTIVE[active], **fields},
        version={**LEAKED[leak], **STATES[version]},
    )
    circumstances = dataclasses.replace(NOW, address=address, wanted=SCOPES[scope])
    return outcome(Presented(token=parsed(), stored=key, is_match=True), circumstances)


def test_every_combination_of_states_has_the_outcome_of_the_table():
    """All 10,368 combinations of a proven key are decided as the written table says."""
    cases = list(itertools.product(*AXES))

    wrong = [
        (case, decided(case), expected(case)) for case in cases if decided(case) != expected(case)
    ]

    assert len(cases) == 10_368
    assert wrong[:5] == []


def test_the_table_reaches_every_reason_that_a_proven_key_can_have():
    """No row of the table is idle and no reason is missing in it."""
    reached = {expected(case) for case in itertools.product(*AXES)}
    unproven = {"malformed", "checksum", "wrong-environment", "unknown-id", "wrong-secret"}
    undecided = {reason.value for reason in UNDECIDED}

    assert reached == {r.value for r in DenialReason} - unproven - undecided | {"allowed"}


TEXTS = [
    (TokenFault.MALFORMED, HERE, "malformed"),
    (TokenFault.MALFORMED, Issuer(), "malformed"),
    (TokenFault.CHECKSUM, HERE, "checksum"),
    (parsed(), Issuer(prefix="abc", environment="prod"), "malformed"),
    (parsed(), Issuer(prefix="abc", environment="test"), "malformed"),
    (parsed(), Issuer(prefix="krk", environment="test"), "wrong-environment"),
    (parsed(), Issuer(environment="test"), "wrong-environment"),
    (parsed(), Issuer(prefix="krk"), "unknown-id"),
    (parsed(), Issuer(), "unknown-id"),
    (parsed(), HERE, "unknown-id"),
]


@pytest.mark.parametrize(("token", "issuer", "reason"), TEXTS, ids=str)
def test_a_text_is_judged_before_anything_is_looked_up(token, issuer, reason):
    """Form, checksum, prefix and environment come first, whatever the store holds."""
    circumstances = dataclasses.replace(NOW, issuer=issuer)

    assert outcome(Presented(token=token), circumstances) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"version": {"leaked": True}},
        {"version": {"state": VersionState.RETIRED}},
        {"record": {"hold": HELD}},
        {"record": {"status": KeyStatus.REMOVED}},
        {"record": {"expires_at": NOON}},
        {"fields": {"active": False}},
    ],
    ids=str,
)
def test_a_wrong_secret_is_all_that_is_said_whatever_state_the_key_is_in(changes):
    """The state of a key is no answer to somebody who does not hold it."""
    verdict = decide(Presented(token=parsed(), stored=stored(**changes)), NOW)

    assert verdict == Denied(reason=DenialReason.WRONG_SECRET, version_id=VERSION_ID)


@pytest.mark.parametrize("reason", DenialReason, ids=str)
def test_the_reason_may_be_told_only_to_a_holder_of_a_secret_that_is_not_leaked(reason):
    """Six reasons stay untold, and two are of no answer at all; the rest presuppose the proof."""
    untold = {"malformed", "checksum", "wrong-environment", "unknown-id", "wrong-secret", "leaked"}
    undecided = {"unavailable", "overloaded"}

    assert Denied(reason=reason).is_proven is (reason.value not in untold | undecided)
    assert Denied(reason=reason).is_undecided is (reason.value in undecided)


def test_an_allowed_key_comes_with_its_record_and_version():
    """The caller needs no second look-up."""
    key = stored()

    verdict = decide(Presented(token=parsed(), stored=key, is_match=True), NOW)

    assert verdict == Allowed(record=key.record, version=key.version)
    assert isinstance(verdict, Allowed)
    assert verdict.rotate_by is None


def test_a_replaced_secret_is_allowed_and_says_until_when():
    """The holder can be told to read the new secret before the deadline."""
    key = stored(version={"state": VersionState.RETIRING, "retire_at": NOON + HOUR})

    verdict = decide_use(key, NOW)

    assert isinstance(verdict, Allowed)
    assert verdict.rotate_by == NOON + HOUR


def test_a_denied_key_is_named_by_version_only_as_far_as_it_is_known():
    """A malformed text names nothing; a proven one names its key, for the log."""
    key = stored(version={"leaked": True})

    assert decide(Presented(token=TokenFault.MALFORMED), NOW) == Denied(
        reason=DenialReason.MALFORMED
    )
    assert decide(Presented(token=parsed()), NOW) == Denied(
        reason=DenialReason.UNKNOWN_ID, version_id=VERSION_ID
    )
    assert decide(Presented(token=parsed(), stored=key, is_match=True), NOW) == Denied(
        reason=DenialReason.LEAKED, version_id=VERSION_ID, record=key.record
    )


PLACED = [
    (("203.0.113.0/24",), "203.0.113.7", "allowed"),
    (("203.0.113.0/24",), "2001:db8::7", "address-not-allowed"),
    (("2001:db8::/32",), "2001:DB8:0::7%eth0", "allowed"),
    (("0.0.0.0/0",), "2001:db8::7", "address-not-allowed"),
    (("0.0.0.0/0",), "203.0.113.7", "allowed"),
    (("0.0.0.0/0",), "", "address-unknown"),
    (("0.0.0.0/0",), "203.0.113.7, 10.0.0.1", "address-unknown"),
    ((), "203.0.113.7", "address-not-allowed"),
]


@pytest.mark.parametrize(("ranges", "address", "result"), PLACED, ids=str)
def test_a_place_is_judged_by_the_resolved_ranges(ranges, address, result):
    """Families never mix, mapped addresses count as IPv4, and no address is inside nothing."""
    key = stored(fields={"allowlist": ("network:ci",), "ranges": ranges})
    circumstances = dataclasses.replace(NOW, address=address)

    assert outcome(Presented(token=parsed(), stored=key, is_match=True), circumstances) == result


def test_an_allowlist_without_resolved_ranges_admits_nobody():
    """A damaged row fails closed."""
    key = stored(fields={"allowlist": ("network:ci",), "ranges": None})
    circumstances = dataclasses.replace(NOW, address="203.0.113.7")

    verdict = decide_use(key, circumstances)

    assert isinstance(verdict, Denied)
    assert verdict.reason is DenialReason.ADDRESS_NOT_ALLOWED


def test_the_stores_own_catalogue_decides_about_scopes():
    """A level that the catalogue no longer has is unknown, whatever the key was granted."""
    circumstances = dataclasses.replace(
        NOW,
        wanted=ScopeGrant(resource="Webhooks", level="change"),
        catalog=ScopeCatalog.of({"Webhooks": ("read",)}),
    )

    verdict = decide_use(stored(), circumstances)

    assert isinstance(verdict, Denied)
    assert verdict.reason is DenialReason.UNKNOWN_SCOPE


def test_a_grant_of_a_level_that_is_gone_covers_nothing():
    """The key holds Webhooks:change, which does not exist any more."""
    circumstances = dataclasses.replace(
        NOW,
        wanted=ScopeGrant(resource="Webhooks", level="read"),
        catalog=ScopeCatalog.of({"Webhooks": ("read",)}),
    )

    verdict = decide_use(stored(), circumstances)

    assert isinstance(verdict, Denied)
    assert verdict.reason is DenialReason.INSUFFICIENT_SCOPE


def test_the_rules_stand_in_the_order_of_the_reasons():
    """Reading the list of rules is reading the order of checks."""
    reasons = [rule.__name__ for rule in (*TEXT_RULES, *USE_RULES)]

    assert reasons == [
        "refuse_malformed",
        "refuse_altered",
        "refuse_other_environment",
        "refuse_leaked",
        "refuse_removed",
        "refuse_inactive",
        "refuse_held",
        "refuse_expired",
        "refuse_retired",
        "refuse_elsewhere",
        "refuse_unknown_scope",
        "refuse_uncovered",
    ]


class Doors:
    """A store and a hash that remember what they were asked."""

    def __init__(self, row: StoredVersion | None, *, matches: bool = True) -> None:
        """Answer every question with these."""
        self._row, self._matches = row, matches
        self.asked: list[str] = []

    def lookup(self, version_id: str) -> StoredVersion | None:
        """Give the row."""
        self.asked.append(f"row {version_id}")
        return self._row

    def verify(self, stored_hash: str, secret: Secret) -> bool:
        """Give the answer."""
        self.asked.append(f"hash {stored_hash} {secret.reveal()[-4:]}")
        return self._matches


def look(secret: Secret, doors: Doors, issuer: Issuer = HERE) -> Presented:
    """Present a text at the doors."""
    return present(secret, issuer=issuer, lookup=doors.lookup, verify=doors.verify)


@pytest.mark.parametrize(
    ("text", "issuer"),
    [
        ("nonsense", HERE),
        (API_KEY.reveal()[:-1] + "?", HERE),
        (API_KEY.reveal().replace("SS", "TT", 1), HERE),
        (API_KEY.reveal(), Issuer(environment="test")),
        (API_KEY.reveal(), Issuer(prefix="abc")),
    ],
    ids=["nonsense", "malformed", "altered", "other environment", "other prefix"],
)
def test_a_bad_text_costs_neither_row_nor_hash(text, issuer):
    """A flood of nonsense reaches nothing behind the parser."""
    doors = Doors(stored())

    presented = look(Secret(text), doors, issuer)

    assert doors.asked == []
    assert presented.stored is None
    assert not presented.is_match


def test_an_unknown_id_costs_no_hash():
    """There is nothing to compare with, and ids are not secret."""
    doors = Doors(None)

    assert look(API_KEY, doors) == Presented(token=parsed())
    assert doors.asked == [f"row {VERSION_ID}"]


@pytest.mark.parametrize("matches", [True, False])
def test_a_known_id_is_checked_against_its_stored_hash(matches):
    """Row first, then the hash of exactly that row."""
    row = stored(secret_hash="$hash")
    doors = Doors(row, matches=matches)

    assert look(API_KEY, doors) == Presented(token=parsed(), stored=row, is_match=matches)
    assert doors.asked == [f"row {VERSION_ID}", f"hash $hash {API_KEY.reveal()[-4:]}"]


def test_a_presented_key_does_not_show_its_secret():
    """What was found out may be logged."""
    presented = look(API_KEY, Doors(stored()))

    assert "SSSS" not in repr(presented)
    assert "SSSS" not in repr(decide(presented, NOW))


def test_a_minted_and_hashed_key_is_allowed_and_its_neighbour_is_not():
    """The whole room together: mint, hash, present, decide."""
    entropy = FakeEntropy()
    minted = mint(entropy, prefix="krk", environment="prod")
    other = mint(entropy, prefix="krk", environment="prod")
    row = stored(
        secret_hash=hash_key(minted.api_key, entropy=entropy, profile=HashProfile.TOKEN),
        version={"version_id": minted.version_id},
    )

    def ask(secret: Secret) -> str:
        return outcome(present(secret, issuer=HERE, lookup=lambda _: row, verify=verify))

    assert ask(minted.api_key) == "allowed"
    assert ask(other.api_key) == "wrong-secret"
    assert ask(Secret(row.secret_hash)) == "malformed"
