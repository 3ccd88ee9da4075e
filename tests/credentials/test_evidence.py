"""What is looked at beside the decision: role, denied origins, ranges, the lost key, last uses."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import pytest

from reconciler.credentials.checks import Check
from reconciler.credentials.evidence import Asker, Evidence, check_complete_key, check_role
from reconciler.credentials.origins import check_origins, check_ranges
from reconciler.credentials.uptake import check_last_use
from reconciler.credentials.verdict import Circumstances
from reconciler.model.keys import KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.uses import UseKind, UseMark
from tests.credentials.examples import HOUR, NOON, RECORD, VERSION, VERSION_ID, stored

NOW = Circumstances(now=NOON)
RANGES = ("203.0.113.0/24",)
LIMITED = {"allowlist": RANGES, "ranges": RANGES}


def said(check: Check) -> tuple[bool | None, str, str]:
    """Give how it went, and the words."""
    return check.passed, check.message, check.advice


def mark(
    kind: UseKind,
    subject: str,
    *,
    at: datetime = NOON - HOUR,
    version_id: str = VERSION_ID,
    times: int = 1,
) -> UseMark:
    """Give what a verifier saw."""
    return UseMark(version_id=version_id, kind=kind, subject=subject, last_at=at, times=times)


# The workspace role.

BOB = Asker(principal="local:bob", may_change=False, admins=("local:alice", "local:carol"))
BOB_IS_NONE = (
    "local:bob is no admin of the workspace payments; its admins: local:alice, local:carol"
)


@pytest.mark.parametrize(
    ("asker", "matters", "line"),
    [
        (None, True, (None, "who may change the key was not looked up", "")),
        (
            dataclasses.replace(BOB, principal=None),
            True,
            (
                None,
                (
                    "who runs this is not known; admins of the workspace payments: "
                    "local:alice, local:carol"
                ),
                "",
            ),
        ),
        (
            BOB,
            True,
            (False, BOB_IS_NONE, "ask one of them, or a platform admin, to apply the change"),
        ),
        (BOB, False, (None, BOB_IS_NONE, "")),
        (
            dataclasses.replace(BOB, admins=()),
            False,
            (None, "local:bob is no admin of the workspace payments; its admins: nobody", ""),
        ),
        (
            dataclasses.replace(BOB, may_change=True),
            True,
            (True, "local:bob may change keys of the workspace payments", ""),
        ),
        (
            dataclasses.replace(BOB, may_change=True),
            False,
            (None, "local:bob may change keys of the workspace payments", ""),
        ),
    ],
    ids=["not asked", "nobody", "no admin", "no matter", "no admins", "admin", "admin, no matter"],
)
def test_the_workspace_role_says_who_may_change_the_key(asker, matters, line):
    """It only counts where a scope is missing."""
    assert said(check_role(RECORD.address, asker, matters=matters)) == line


# The lost key.

ROTATE = "run `keyrec rotate payments/billing-sync` and update the integration"


@pytest.mark.parametrize(
    ("version", "record", "line"),
    [
        (
            {},
            {},
            (
                None,
                (
                    "a complete key cannot be shown again; the secret lies at "
                    f"payments/prod/billing-sync (…{VERSION.last_characters}, version 1)"
                ),
                f"where it is lost and that path cannot be read: {ROTATE}",
            ),
        ),
        *(
            (
                version,
                {},
                (
                    False,
                    "a complete key cannot be shown again, and no copy of it is known in the sink",
                    ROTATE,
                ),
            )
            for version in (
                {"sink_version": None},
                {"copy_destroyed_at": NOON},
                {"state": VersionState.RETIRED},
            )
        ),
        (
            {},
            {"status": KeyStatus.REMOVED},
            (None, "it cannot be told which key it would be", ""),
        ),
    ],
    ids=["lies there", "never sent", "destroyed", "no current one", "removed"],
)
def test_a_lost_key_is_read_again_or_rotated(version, record, line):
    """It is never shown; where it lies is."""
    key = stored(version=version, record=record).record

    assert said(check_complete_key(key, is_proven=False)) == line


def test_a_key_that_is_presented_is_not_lost():
    """And one of which nothing is known cannot be named."""
    assert check_complete_key(RECORD, is_proven=True).passed is True
    assert check_complete_key(None, is_proven=False).passed is None


# Denied origins.


def origins(
    *marks: UseMark,
    address: str | None = None,
    fields: dict[str, Any] | None = None,
    until: datetime | None = NOON,
) -> Check:
    """Look at the denied origins of a limited key."""
    at = dataclasses.replace(NOW, address=address)
    row = stored(fields=LIMITED if fields is None else fields)
    return check_origins(row, at, Evidence(marks=marks, uses_until=until))


def test_denied_origins_are_shown_with_their_times_newest_first():
    """Each address once; reasons that are not of the place are left out."""
    check = origins(
        mark(UseKind.DENIED, "address-not-allowed 198.51.100.7", at=NOON - 3 * HOUR, times=4),
        mark(UseKind.DENIED, "address-not-allowed 198.51.100.8"),
        mark(UseKind.DENIED, "address-not-allowed ::ffff:198.51.100.8", at=NOON - 2 * HOUR),
        mark(UseKind.DENIED, "address-unknown", at=NOON - 4 * HOUR),
        mark(UseKind.DENIED, "key-expired 198.51.100.9"),
        mark(UseKind.ORIGIN, "198.51.100.10"),
    )

    assert said(check) == (
        False,
        (
            "denied lately, outside the IP allowlist (203.0.113.0/24): "
            "198.51.100.8 at 2026-11-24 11:00:00 UTC (once), "
            "198.51.100.7 at 2026-11-24 09:00:00 UTC (4 times), "
            "an origin that was not known at 2026-11-24 08:00:00 UTC (once)"
        ),
        (
            "check the real request origin; where it is right, write "
            "`- 198.51.100.8` under spec.allowlist of payments/billing-sync and apply"
        ),
    )
    assert check.wanted is not None
    assert (check.wanted.path, check.wanted.text) == (("spec", "allowlist"), "198.51.100.8")


def test_many_denied_origins_are_counted():
    """The first few are named."""
    many = [mark(UseKind.DENIED, f"address-not-allowed 198.51.100.{n}") for n in range(9)]

    assert origins(*many).message.endswith(" and 4 more")


def test_an_address_of_ones_own_network_is_never_proposed():
    """Behind a proxy that is not named everybody comes from it; a public one beside it is proposed."""
    own = mark(UseKind.DENIED, "address-not-allowed 127.0.0.1")
    check = origins(own)
    assert check.wanted is None
    assert "where it is a proxy, name it in server.trustedProxies" in check.advice
    public = origins(own, mark(UseKind.DENIED, "address-not-allowed 198.51.100.7"))
    assert public.wanted is not None
    assert public.wanted.text == "198.51.100.7"


def test_an_origin_that_verifiers_did_not_know_is_a_matter_of_their_proxies():
    """No address can be let in."""
    check = origins(mark(UseKind.DENIED, "address-unknown"))

    assert check.passed is False
    assert check.advice == (
        "let the verifier learn the real request origin: name its proxies as trusted"
    )
    assert check.wanted is None


@pytest.mark.parametrize(
    ("check", "passed", "message"),
    [
        (origins(), None, "no origin was denied, as far as verifiers reported until 2026-11-24"),
        (origins(until=None), None, "no verifier has reported anything yet"),
        (origins(fields={}), True, "no origin is denied: there is no allowlist"),
        (
            origins(mark(UseKind.DENIED, "address-not-allowed 203.0.113.9")),
            True,
            "denied before, and inside the IP allowlist now: 203.0.113.9",
        ),
        (
            origins(
                mark(UseKind.DENIED, "address-not-allowed 198.51.100.7"), address="203.0.113.7"
            ),
            None,
            "denied lately, outside the IP allowlist",
        ),
    ],
    ids=["none denied", "no verifier", "no allowlist", "let in since", "an address is named"],
)
def test_denied_origins_decide_only_where_they_are_all_that_is_known(check, passed, message):
    """A named address is stronger; what was let in since is settled."""
    assert check.passed is passed
    assert check.message.startswith(message)


@pytest.mark.parametrize(
    ("ranges", "address", "passed", "message"),
    [
        (("10.0.0.0/8", "fd00::/8"), None, None, "the IP allowlist holds only private ranges"),
        (("10.0.0.0/7",), None, True, "the IP allowlist holds public ranges"),
        (("10.0.0.0/8", "203.0.113.0/24"), None, True, "the IP allowlist holds public ranges"),
        (RANGES, "192.168.1.20", None, "192.168.1.20 is a private address: a service on the"),
        (RANGES, "203.0.113.7", True, "the IP allowlist holds public ranges"),
        ((), "203.0.113.7", None, "there is no range to look at"),
    ],
    ids=["private", "wider than private", "both", "private address", "public", "none"],
)
def test_private_ranges_and_addresses_are_warned_of(ranges, address, passed, message):
    """Nothing on the internet comes from there."""
    check = check_ranges(
        stored(fields={"allowlist": ranges, "ranges": ranges}),
        dataclasses.replace(NOW, address=address),
    )

    assert check.passed is passed
    assert check.message.startswith(message)


# Last uses after a rotation.

OLD = dataclasses.replace(
    VERSION, state=VersionState.RETIRING, retire_at=NOON + HOUR, created_at=NOON - 48 * HOUR
)
NEW = dataclasses.replace(
    VERSION, version_id="new", last_characters="wxyz", created_at=NOON - 6 * HOUR
)
READ_AGAIN = (
    "update the secret in the external system and redeploy when needed; "
    "it is at payments/prod/billing-sync (…wxyz)"
)
OLD_WORDS = f"an older one was still presented: (…{OLD.last_characters})"
ELEVEN, FIVE = "2026-11-24 11:00:00 UTC", "2026-11-24 05:00:00 UTC"


def uptake(
    *marks: UseMark,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    until: datetime | None = NOON,
) -> Check:
    """Look at the uses of a key that was rotated six hours ago."""
    versions = (dataclasses.replace(OLD, **(old or {})), dataclasses.replace(NEW, **(new or {})))
    record = dataclasses.replace(RECORD, versions=versions)
    return check_last_use(Evidence(records=(record,), marks=marks, uses_until=until), NOON)


def test_a_system_that_still_has_the_old_secret_is_named():
    """When and from where it was used, that the new one never was, and how long the old works."""
    check = uptake(
        mark(UseKind.ORIGIN, "203.0.113.9"),
        mark(UseKind.ORIGIN, "203.0.113.8", at=NOON - 2 * HOUR),
        mark(UseKind.ORIGIN, "203.0.113.7", at=NOON - 30 * HOUR),
        mark(UseKind.SCOPE, "Reviews:read"),
        old={"last_used_at": NOON - HOUR},
    )

    assert said(check) == (
        False,
        (
            "the new secret (…wxyz) was never used; "
            f"{OLD_WORDS} {ELEVEN} from 203.0.113.9, "
            f"(…{OLD.last_characters}) 2026-11-24 10:00:00 UTC from 203.0.113.8"
        ),
        f"{READ_AGAIN}; the older one works until 2026-11-24 13:00:00 UTC",
    )


@pytest.mark.parametrize(
    ("old", "ending"),
    [
        ({"retire_at": NOON}, "; the older one does not work any more"),
        ({"retire_at": None}, "; the older one works until nobody uses it"),
        (
            {"retire_at": None, "overlap_until": NOON + 2 * HOUR},
            "; the older one works until 2026-11-24 14:00:00 UTC",
        ),
    ],
    ids=["over", "waits", "waits at most"],
)
def test_how_long_the_older_secret_works_is_said(old, ending):
    """Whoever is behind has that long."""
    assert uptake(mark(UseKind.ORIGIN, "203.0.113.9"), old=old).advice == READ_AGAIN + ending


def test_an_ended_secret_that_is_still_presented_names_its_system():
    """The integration has stopped: each of its calls is refused."""
    check = uptake(
        mark(UseKind.DENIED, "version-retired 203.0.113.9"),
        mark(UseKind.DENIED, "insufficient-scope 203.0.113.8"),
        old={"state": VersionState.RETIRED},
    )

    assert check.passed is False
    assert check.message.endswith(f"{OLD_WORDS} {ELEVEN} from 203.0.113.9")


def test_a_system_that_has_taken_it_up_is_not_named():
    """One of two came back with the new secret."""
    check = uptake(
        mark(UseKind.ORIGIN, "203.0.113.9", at=NOON - 3 * HOUR),
        mark(UseKind.ORIGIN, "203.0.113.8", at=NOON - 3 * HOUR),
        mark(UseKind.ORIGIN, "203.0.113.9", version_id="new"),
        new={"last_used_at": NOON - HOUR},
    )

    assert check.passed is False
    assert f"the new secret (…wxyz) was last used {ELEVEN} from 203.0.113.9;" in check.message
    assert check.message.endswith("from 203.0.113.8")


def test_many_systems_are_counted():
    """The newest few are named."""
    marks = [mark(UseKind.ORIGIN, f"203.0.113.{n}") for n in range(9)]

    assert uptake(*marks).message.endswith(" and 4 more")


@pytest.mark.parametrize(
    ("check", "passed", "message", "advice"),
    [
        (
            uptake(old={"last_used_at": NOON - HOUR}, new={"last_used_at": NOON}),
            True,
            (
                "the new secret (…wxyz) was last used 2026-11-24 12:00:00 UTC, "
                "and no older one after that"
            ),
            "",
        ),
        (
            uptake(old={"last_used_at": NOON}, new={"last_used_at": NOON - HOUR}),
            False,
            f"the new secret (…wxyz) was last used {ELEVEN}; {OLD_WORDS} 2026-11-24 12:00:00 UTC",
            f"{READ_AGAIN}; the older one works until 2026-11-24 13:00:00 UTC",
        ),
        (
            uptake(mark(UseKind.ORIGIN, "203.0.113.9", at=NOON - 7 * HOUR)),
            None,
            (
                f"the new secret (…wxyz) was never used; the one before it "
                f"(…{OLD.last_characters}) was last used {FIVE} from 203.0.113.9"
            ),
            READ_AGAIN,
        ),
        (
            uptake(),
            None,
            "no use of any secret was reported until 2026-11-24 12:00:00 UTC",
            READ_AGAIN,
        ),
        (
            uptake(until=None),
            None,
            "no verifier has reported uses: which secret is in use is not known",
            "",
        ),
        (
            check_last_use(Evidence(records=(RECORD,)), NOON),
            True,
            "the only secret so far: none was replaced",
            "",
        ),
        (
            check_last_use(Evidence(), NOON),
            None,
            "there is no current secret to be taken up",
            "",
        ),
    ],
    ids=["taken up", "gone back", "before", "unused", "no verifier", "first", "none"],
)
def test_what_is_known_without_addresses_is_said_all_the_same(check, passed, message, advice):
    """Times alone decide where they can; silence decides nothing."""
    assert said(check) == (passed, message, advice)


def test_the_secret_of_a_key_that_was_reissued_counts_as_the_older_one():
    """The name stays, the key is another."""
    before = dataclasses.replace(RECORD, key_id="0", status=KeyStatus.SUPERSEDED, versions=(OLD,))
    after = dataclasses.replace(RECORD, versions=(NEW,))
    seen = (mark(UseKind.ORIGIN, "203.0.113.9"),)

    check = check_last_use(Evidence(records=(after, before), marks=seen), NOON)

    assert check.passed is False
