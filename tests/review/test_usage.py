"""What verifiers saw becomes findings: from when on, for how long, and never out of silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.prepare import prepare
from reconciler.model.moments import ago
from reconciler.model.uses import MOST_MARKS, UseKind, UseMark, UseReport
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan
from reconciler.review.catalogue import BY_ID
from reconciler.review.reviewing import reviewed_plan
from tests.fakes.system import START
from tests.fakes.world import MANAGER
from tests.review.cases import Manifests, empty_world, let_apply
from tests.review.seen import Told, with_seen

KEY = "shop/sync-prod"
WORKSPACE = """\
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: shop}
spec:
  admins: ['local:bob']
---
"""
DOCUMENT = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {{name: sync-prod, workspace: shop, owner: team-shop}}
spec:
  environment: prod
  scopes: {{Reviews: operate}}
  allowlist: [{allowlist}]
  expiration: 360d
  rotation: {rotation}
"""
USED = {"used": "3m", "origins": {"52.94.76.1": "3m"}, "scopes": {"Reviews:operate": "3m"}}


def document(allowlist: str = "52.94.76.0/28", rotation: str = "{overlap: 2d}") -> str:
    """Write a manifest of the key."""
    return WORKSPACE + DOCUMENT.format(allowlist=allowlist, rotation=rotation)


def request_of(*steps: str, days: float = 0) -> PlanRequest:
    """Apply all documents but the last, let days pass, and ask for the plan of the last."""
    world = empty_world()
    sources = [Manifests(step.encode()) for step in steps]
    for source in sources[:-1]:
        let_apply(world, prepare(store=world.store, source=source, manager=MANAGER))
    world.clock.advance(timedelta(days=days))
    return prepare(store=world.store, source=sources[-1], manager=MANAGER).request


def seen(request: PlanRequest, **told: Any) -> Plan:
    """Review after verifiers have reported; `current` and `replaced` are of the key's secrets."""
    secrets = {word: told.pop(word) for word in ("current", "replaced") if word in told}
    said: Told = {**told, "keys": {KEY: secrets}}
    return reviewed_plan(replace(request, observed=with_seen(request.observed, said)))


def of_use(plan: Plan) -> list[str]:
    """Give the findings of use, as rule and severity."""
    return [f"{f.rule} {f.severity.value}" for f in plan.review.findings if BY_ID[f.rule].by_use]


REST = request_of(document(), document(), days=200)


@pytest.mark.parametrize(
    ("used", "since", "found"),
    [
        ("44d", "199d", []),
        ("46d", "199d", ["AK301 low"]),
        ("91d", "199d", ["AK301 medium"]),
        ("120d", "44d", []),
        ("120d", "46d", ["AK301 low"]),
        (None, "44d", []),
        (None, "46d", ["AK301 low"]),
    ],
)
def test_a_key_is_idle_for_as_long_as_somebody_looked(
    used: str | None, since: str, found: list[str]
) -> None:
    """What was before verifiers reported is not counted."""
    assert of_use(seen(REST, since=since, current={"used": used})) == found


def test_a_key_that_was_never_used_is_told_sooner() -> None:
    """After thirty days, where its whole life was seen."""
    for days, found in ((30, []), (31, ["AK301 low"])):
        assert of_use(seen(request_of(document(), document(), days=days), since="60d")) == found
    young = request_of(document(), document(), days=40)
    assert of_use(seen(young, since="35d")) == []


def test_time_that_verifiers_have_not_reported_yet_is_no_idle_time() -> None:
    """Their last word ends what is known: one from long ago says nothing of today."""
    idle = {"used": "100d"}
    assert of_use(seen(REST, since="199d", until="60d", current=idle)) == []
    assert of_use(seen(REST, since="199d", until="50d", current=idle)) == ["AK301 low"]


ROTATED = document(rotation="{generation: 2, overlap: 2d}")


@pytest.mark.parametrize(
    ("days", "used", "found"),
    [
        (0.5, "1h", []),
        (0.9, "1h", []),
        (1.1, "1h", ["AK304 high"]),
        (1.1, "25h", []),
        (2.1, "1h", []),
    ],
)
def test_a_replaced_secret_is_told_of_where_it_ends_soon_and_is_in_use(
    days: float, used: str, found: list[str]
) -> None:
    """From the second half of its overlap on, within a day of its end, and not after it."""
    request = request_of(document(), ROTATED, ROTATED, days=days)
    plan = seen(request, since="90d", replaced={"used": used}, current=USED)
    assert of_use(plan) == found


def test_nobody_uses_a_new_secret_only_where_somebody_looked_since_it_is_there() -> None:
    """Twenty-four hours have to be known, and the old one has to be in use."""
    week = document(rotation="{generation: 2, overlap: 7d}")
    request = request_of(document(), week, week, days=2)
    old = {"used": "1h", "origins": {"52.94.76.1": "1h"}}
    assert of_use(seen(request, since="90d", replaced=old)) == ["AK305 high"]
    assert of_use(seen(request, since="47h", replaced=old)) == []
    assert of_use(seen(request, replaced=old)) == []
    assert of_use(seen(request, since="90d", replaced={"used": "30h"})) == []
    assert of_use(seen(request, since="90d", replaced=old, current=USED)) == []
    early = request_of(document(), week, week, days=0.9)
    assert of_use(seen(early, since="90d", replaced=old)) == []


def test_the_secret_of_a_reissued_key_is_a_replaced_one() -> None:
    """The key that was replaced stands behind the one that replaced it."""
    reissued = document(rotation="{overlap: 7d}\n  reissue: 2")
    request = request_of(document(), reissued, reissued, days=2)
    old = {"used": "1h", "origins": {"52.94.76.1": "1h"}}
    assert of_use(seen(request, since="90d", replaced=old)) == ["AK305 high"]


@pytest.mark.parametrize(
    ("used", "scopes", "found"),
    [
        ("40d", {"Reviews:operate": "40d"}, []),
        ("3m", {"Reviews:read": "3m"}, ["AK308 medium"]),
        ("3m", {"Reviews:read": "3m", "Reviews:operate": "95d"}, ["AK308 medium"]),
        ("3m", {}, []),
        ("3m", {"Reviews:read": "2d"}, []),
    ],
)
def test_a_scope_is_unexercised_where_every_use_says_what_for(
    used: str, scopes: dict[str, str], found: list[str]
) -> None:
    """A use that names no scope, later than all that do, may have been for anything."""
    current = {**USED, "used": used, "scopes": scopes}
    assert of_use(seen(REST, since="199d", current=current)) == found


def test_a_short_time_says_nothing_about_scopes() -> None:
    """Ninety days have to be known."""
    current = {**USED, "scopes": {"Reviews:read": "3m"}}
    assert of_use(seen(REST, since="89d", current=current)) == []


def test_an_allowlist_is_compared_with_all_that_was_seen_or_not_at_all() -> None:
    """Where so many addresses came that some were dropped, what is left proves nothing."""
    wide = document("52.94.0.0/16")
    request = request_of(wide, wide, days=60)
    few = {**USED, "origins": {"52.94.76.1": "3m"}}
    assert of_use(seen(request, since="90d", current=few)) == ["AK309 low"]
    many = {**USED, "origins": {f"52.94.76.{n}": "3m" for n in range(MOST_MARKS)}}
    assert of_use(seen(request, since="90d", current=many)) == []
    unnamed = {**USED, "origins": {"52.94.76.1": "4m"}}
    assert of_use(seen(request, since="90d", current=unnamed)) == []
    assert of_use(seen(request, since="29d", current=few)) == []


def test_what_would_be_enough_is_named_by_networks_where_callers_are_many() -> None:
    """Whoever narrows the allowlist can copy it."""
    wide = document("52.94.0.0/16")
    origins = {f"52.94.{76 + n % 2}.{n}": "3m" for n in range(20)}
    plan = seen(request_of(wide, wide, days=60), since="90d", current={**USED, "origins": origins})
    (finding,) = (f for f in plan.review.findings if f.rule == "AK309")
    assert finding.message.endswith("seen from 20 addresses alone; enough would be 52.94.76.0/23")


@pytest.mark.parametrize(
    ("denied", "found"),
    [
        ({"wrong-secret": ["1h", 49]}, []),
        ({"wrong-secret": ["1h", 50]}, ["AK310 high"]),
        ({"wrong-secret": ["8d", 50]}, []),
        ({"key-held 52.94.76.1": ["1h", 25], "wrong-secret": ["1h", 25]}, ["AK310 high"]),
        ({"key-held 52.94.76.1": ["3h", 25], "wrong-secret": ["1h", 25]}, []),
    ],
)
def test_fifty_refusals_within_an_hour_are_a_burst(
    denied: dict[str, list[Any]], found: list[str]
) -> None:
    """Of all reasons and addresses together, for a week."""
    assert of_use(seen(REST, since="199d", current={**USED, "denied": denied})) == found


@pytest.mark.parametrize(
    ("origins", "found"),
    [
        ({"52.94.76.1": "3m", "52.94.76.2": "3m"}, []),
        ({"52.94.76.1": "3m", "52.95.0.1": "63m"}, ["AK311 medium"]),
        ({"52.94.76.1": "3m", "52.95.0.1": "64m"}, []),
        ({"52.94.76.1": "3m", "2600:1f18::1": "3m"}, []),
        ({"2600:1f18::1": "3m", "2600:1f19::1": "4m"}, ["AK311 medium"]),
        ({"52.94.76.1": "31d", "52.95.0.1": "31d"}, []),
        ({"52.94.76.1": "3m", "nonsense": "3m"}, []),
    ],
)
def test_two_networks_of_one_family_within_an_hour_are_two_callers(
    origins: dict[str, str], found: list[str]
) -> None:
    """A host that has an address of each family is one."""
    told = of_use(seen(REST, since="199d", current={**USED, "origins": origins}))
    assert [f for f in told if f.startswith("AK311")] == found


def test_a_replaced_secret_that_waits_for_evidence_ends_in_no_hurry() -> None:
    """However short the overlap is, it works until nobody uses it."""
    for rotation, found in (
        ("{generation: 2, overlap: 10m}", ["AK111 high"]),
        ("{generation: 2, overlap: 10m, retire: when-unused}", []),
        ("{generation: 2, overlap: 2h}", []),
    ):
        request = request_of(document(), document(rotation=rotation), days=1)
        assert of_use(seen(request, since="90d", current=USED)) == found


def test_a_narrowing_of_another_family_or_long_ago_keeps_out_nobody() -> None:
    """Origins count for thirty days, and only those that were allowed until now."""
    request = request_of(document("52.94.76.0/28, 52.95.0.0/28"), document(), days=60)
    for origins in ({"52.95.0.1": "31d"}, {"52.96.0.1": "3m"}, {"2600:1f18::1": "3m"}):
        plan = seen(request, since="90d", current={**USED, "origins": origins})
        assert "AK118 high" not in of_use(plan)


def test_nobody_was_seen_is_said_of_a_week_at_least_and_of_all_uses() -> None:
    """Neither of a shorter time, nor where a use came from an unknown address."""
    request = request_of(document("52.94.76.0/28, 52.95.0.0/28"), document(), days=60)

    def words(**told: Any) -> str:
        (assessment,) = seen(request, **told).review.assessments
        return " ".join(assessment.disruptions)

    assert words(since="8d", current=USED).endswith("nobody was seen there since 2027-01-15")
    silent = words(since="6d", current=USED)
    assert silent.endswith("are refused at once")
    assert words(current=USED) == silent
    assert words(since="90d", until="2d", current=USED) == silent
    assert words(since="90d", current={**USED, "used": "1m"}) == silent


def test_a_key_without_a_secret_is_no_matter_of_use() -> None:
    """After a leak it waits for a new one; nothing is known of none."""
    bare = tuple(replace(r, versions=()) for r in REST.observed.records)
    request = replace(REST, observed=replace(REST.observed, records=bare))
    assert of_use(seen(request, since="199d")) == []


def test_a_catalogue_that_takes_what_nobody_exercised_keeps_out_nobody() -> None:
    """The levels are turned over: a key that may operate does not read any more."""
    catalog = """\
---
apiVersion: keyrec/v1
kind: ScopeCatalog
metadata: {name: default}
spec:
  resources:
    Reviews: [operate, read]
"""
    other = DOCUMENT.replace("sync-prod", "feed-prod").replace("Reviews: operate", "Webhooks: read")
    keys = f"{document()}---\n{other.format(allowlist='52.95.0.0/28', rotation='{overlap: 2d}')}"
    request = request_of(keys, keys + catalog, days=60)
    for level, found in (("operate", []), ("read", ["AK118 high"])):
        told = {**USED, "scopes": {f"Reviews:{level}": "3m"}}
        assert of_use(seen(request, since="20d", current=told)) == found


def test_a_shorter_life_is_nobodys_to_be_seen_with() -> None:
    """What verifiers saw stands behind addresses, scopes and ends alone."""
    shorter = document(rotation="{overlap: 2d}\n  reissue: 2").replace("360d", "180d")
    (found,) = seen(request_of(document(), shorter, days=9), current=USED).review.assessments
    assert [words for words in found.disruptions if "seen" in words or "last used" in words] == []


def test_what_a_verifier_reports_to_the_store_is_what_a_review_says() -> None:
    """From the report by way of the store to the finding, with nothing in between by hand."""
    world = empty_world()
    source = Manifests(document("52.94.76.0/28, 52.95.0.0/28").encode())
    let_apply(world, prepare(store=world.store, source=source, manager=MANAGER))
    (record,) = world.store.observe(MANAGER).records
    (version,) = record.versions
    at = world.clock.advance(timedelta(days=1))
    mark = UseMark(
        version_id=version.version_id, kind=UseKind.ORIGIN, subject="52.95.0.7", last_at=at
    )
    uses = ((version.version_id, at),)
    world.store.report_uses(UseReport(reporter="gateway", uses=uses, until=at, marks=(mark,)))
    world.clock.advance(timedelta(minutes=5))
    plan = prepare(store=world.store, source=Manifests(document().encode()), manager=MANAGER).plan
    (finding,) = (f for f in plan.review.findings if BY_ID[f.rule].by_use)
    assert finding.message == (
        "keeps out 1 of 1 addresses seen in the last 30 days: 52.95.0.7 (last 2026-11-25 12:00 UTC)"
    )


REMOVAL = """\
apiVersion: keyrec/v1
kind: KeyRemoval
metadata: {name: sync-prod, workspace: shop}
spec: {reason: system-retired}
"""
WAIVER = """\
apiVersion: keyrec/v1
kind: Waiver
metadata: {name: its-caller-is-gone}
spec:
  rule: AK108
  key: {workspace: shop, name: sync-prod}
  reason: Its caller was switched off this morning
  owner: team-security
  expires: "2027-12-31"
"""
POLICY = """\
apiVersion: keyrec/v1
kind: Policy
metadata: {name: default}
spec:
  review: {rules: {AK108: low, AK301: "off"}}
"""


def test_policy_and_waivers_are_heard_as_with_every_rule() -> None:
    """A waived removal is applied; a policy says how grave one is, and switches a rule off."""
    for beside, lets in (("", False), (WAIVER, True), (POLICY, True)):
        steps = (
            f"{document()}---\n{beside}",
            f"{WORKSPACE}{REMOVAL}---\n{beside}",
        )
        plan = seen(request_of(*steps, days=60), since="90d", current=USED)
        assert plan.is_applyable is lets
        assert "AK108" in {f.rule for f in plan.review.findings}
    idle = f"{document()}---\n{POLICY}"
    assert of_use(seen(request_of(idle, idle, days=60), since="90d")) == []


SPANS = st.sampled_from(["1h", "20h", "2d", "20d", "50d", "100d", "150d"])
SECRET = st.fixed_dictionaries(
    {},
    optional={
        "used": SPANS,
        "origins": st.dictionaries(st.sampled_from(["52.94.76.1", "8.8.8.8"]), SPANS),
        "scopes": st.dictionaries(st.sampled_from(["Reviews:read", "Reviews:operate"]), SPANS),
        "denied": st.dictionaries(st.just("key-inactive"), st.tuples(SPANS, st.integers(1, 200))),
    },
)
PLANS = (
    REST,
    request_of(document(), ROTATED, ROTATED, days=1.5),
    request_of(document("52.94.0.0/16"), document(), days=100),
    request_of(document(), WORKSPACE.removesuffix("---\n"), days=100),
)


@given(request=st.sampled_from(PLANS), current=SECRET, replaced=SECRET)
def test_silence_is_no_evidence(request: PlanRequest, current: Told, replaced: Told) -> None:
    """Where it is not known since when verifiers report, nothing is called unused; where none
    reports, nothing of use is said at all, and reviews are what they were.
    """
    secrets = {"current": current, "replaced": replaced}
    unknown = {f.split()[0] for f in of_use(seen(request, **secrets))}
    assert unknown.isdisjoint({"AK301", "AK305", "AK308", "AK309"})
    assert seen(request, nobody=True, **secrets).review == reviewed_plan(request).review


@given(request=st.sampled_from(PLANS), current=SECRET, until=SPANS)
def test_who_listened_longer_says_no_less_than_who_listened_for_less(
    request: PlanRequest, current: Told, until: str
) -> None:
    """An idle key stays idle where more of the past is known of it."""
    found = [
        {f.rule for f in seen(request, since=since, until=until, current=current).review.findings}
        for since in ("30d", "60d", "120d", "199d")
    ]
    assert all("AK301" not in less or "AK301" in more for less, more in pairwise(found))


def test_times_are_said_as_people_say_them() -> None:
    """Minutes, then hours, then days; never of the future."""
    spans = (timedelta(minutes=-1), timedelta(minutes=119), timedelta(hours=2), timedelta(days=2))
    assert [ago(START - s, START) for s in spans] == [
        "0 min ago",
        "119 min ago",
        "2 h ago",
        "2 d ago",
    ]
