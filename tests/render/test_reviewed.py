"""Which finding stands where, what is counted, and what every form for people says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.model.severity import Severity
from reconciler.model.verdict import Dimension
from reconciler.planning.plan import Plan
from reconciler.render.document import plan_document, plan_json
from reconciler.render.findings_lists import plan_github, plan_gitlab
from reconciler.render.findings_sarif import plan_sarif
from reconciler.render.html import plan_html
from reconciler.render.markdown import LONGEST, plan_markdown
from reconciler.render.plan_file import read_plan
from reconciler.render.review_words import waiver_words
from reconciler.render.reviewed import Status, reviewed
from reconciler.render.style import PLAIN
from reconciler.render.text import plan_text
from tests.render.conftest import Golden
from tests.render.reviews import (
    COMING,
    STORED,
    changed,
    everything,
    finding,
    neutral,
    plan_of,
    widened,
)
from tests.render.samples import plans
from tests.render.test_review_forms import MARKDOWN

EVERYTHING = everything()
FORMS: dict[str, Callable[[Plan], str]] = {
    "terminal": lambda plan: plan_text(plan, PLAIN, verbose=True),
    "markdown": plan_markdown,
    "html": plan_html,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_everything_is_the_approved_one(form: str, golden: Golden) -> None:
    """One of each, to be looked at."""
    golden(f"review-{form}.txt", FORMS[form](EVERYTHING))


@pytest.mark.parametrize("form", FORMS)
def test_each_finding_is_shown_once_in_every_form(form: str) -> None:
    """Brought, before, elsewhere, of a quiet change: none lost, none twice."""
    shown = FORMS[form](EVERYTHING)
    for found in EVERYTHING.review.findings:
        assert len(re.findall(rf"\b{found.message}\b", shown)) == 1, found.message


@pytest.mark.parametrize("name", plans())
def test_of_every_plan_each_finding_stands_in_one_place(name: str) -> None:
    """Also where two changes are of one address."""
    plan = plans()[name]
    seen = reviewed(plan)
    placed = [f for c in seen.changes for f in (*c.brought, *c.before)] + list(seen.elsewhere)
    assert sorted(map(repr, placed)) == sorted(map(repr, plan.review.findings))
    assert [c.assessment for c in seen.changes] == list(plan.review.assessments)


@pytest.mark.parametrize("form", FORMS)
def test_what_was_so_before_stands_behind_what_the_plan_brings(form: str) -> None:
    """Under a line that says so, in the block of the same change."""
    shown = FORMS[form](EVERYTHING)
    start = shown.index("brought with a coming waiver")
    assert start < shown.index("was so before:", start) < shown.index("stood before")


@pytest.mark.parametrize("form", FORMS)
def test_the_head_counts_what_is_shown(form: str) -> None:
    """What the plan brings by severity, what was so before, and what is elsewhere."""
    counted = "Findings: 1 critical, 2 high, 2 low; 2 were so before; 1 of what this plan does not"
    assert counted in FORMS[form](EVERYTHING)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_the_fold_of_what_is_not_changed_holds_that_alone(form: str) -> None:
    """Its title's number is the number of its items."""
    shown = FORMS[form](EVERYTHING)
    fold = shown[shown.index("<summary>Findings of what this plan does not change: 1<") :]
    assert "elsewhere" in fold
    assert "before" not in fold


@pytest.mark.parametrize("form", FORMS)
def test_a_waiver_is_shown_with_owner_last_day_and_reason(form: str) -> None:
    """Whoever reads the finding knows whom to ask; one that comes says that it does not help."""
    shown = FORMS[form](EVERYTHING).replace("`", "")
    reason = "The partner has no fixed addresses"
    assert f"accepted by waiver/partner of team-y until 2027-01-31: {reason}" in shown
    coming = "waiver/partner of team-y accepts it from the next apply on until 2027-01-31 and does"
    assert f"{coming} not help here: {reason}" in shown


@pytest.mark.parametrize("form", FORMS)
def test_a_waiver_and_what_a_key_can_do_are_foreign_texts(form: str) -> None:
    """Whoever writes a waiver calls nobody, and adds no markup."""
    evil = "@everyone <b>x</b> | `y` ::error::"
    accepted = replace(STORED, name=evil, owner=evil, reason=evil)
    plan = plan_of(
        [changed("a/one")],
        [widened("a/one", "x", afterwards=evil)],
        [finding("one", waiver=accepted), finding("two", waiver=replace(accepted, counts=False))],
    )
    shown = FORMS[form](plan)
    if form == "html":
        assert "<b>x" not in shown
    if form == "markdown":
        tokens = [t for token in MARKDOWN.parse(shown) for t in (token.children or ())]
        assert [t.content for t in tokens if t.type == "text" and "@" in t.content] == []
        assert {t.content for t in tokens if t.type == "html_inline"} == {"<sub>", "</sub>"}
        assert sum("@everyone" in t.content for t in tokens if t.type == "code_inline") == 7


def test_a_waiver_without_owner_and_reason_is_said_without_them() -> None:
    """A saved plan may leave them empty."""
    bare = replace(STORED, owner="", reason="")
    assert waiver_words(bare, str) == "accepted by waiver/partner until 2027-01-31"


@pytest.mark.parametrize("form", FORMS)
def test_all_that_a_key_can_do_afterwards_is_said(form: str) -> None:
    """Once, for the one key that gains something."""
    shown = FORMS[form](EVERYTHING)
    assert len(re.findall(r"\bafterwards:? +Reviews:read from everywhere", shown)) == 1
    assert shown.count("afterwards") == 1


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_people_read_words_in_place_of_the_ids_of_dimensions(form: str) -> None:
    """JSON keeps the ids."""
    shown = re.sub(r"</?b>|\*\*", "", FORMS[form](EVERYTHING))
    for dimension in Dimension:
        words = dimension.words
        assert f"gains {words}: more" in shown
        assert f"loses {words}: less" in shown
        assert words == dimension.value or f"gains {dimension.value}" not in shown
    shifts = plan_document(EVERYTHING)["changes"][1]["access"]["shifts"]  # type: ignore[index]  # plain values inside
    assert [shift["dimension"] for shift in shifts] == [d.value for d in Dimension]


def test_a_key_and_a_network_of_one_address_are_told_apart() -> None:
    """A key's workspace may be called `network`."""
    key, _, network, _ = reviewed(EVERYTHING).changes
    assert (key.words, [f.message for f in key.brought]) == ("NEUTRAL", ["of the key"])
    assert (network.words, [f.message for f in network.brought]) == ("WIDEN", ["of the network"])
    verdicts = [change["verdict"] for change in plan_document(EVERYTHING)["changes"]]  # type: ignore[attr-defined]  # plain values inside
    assert verdicts == ["NEUTRAL", "MIXED", "WIDEN", "NEUTRAL"]


def test_two_changes_of_one_address_keep_their_own_assessments() -> None:
    """A key is removed, and another takes its name: the one does not hide what the other gains."""
    plan = plan_of([changed("a/one"), changed("a/one")], [widened("a/one", "x"), neutral("a/one")])
    assert [c.words for c in reviewed(plan).changes] == ["WIDEN", "NEUTRAL"]
    assert reviewed(plan).widening == 1
    assert read_plan(plan_json(plan), name="p").review == plan.review


def test_a_review_survives_its_file() -> None:
    """Waivers, kinds and what a key can do afterwards are read as they were written."""
    again = read_plan(plan_json(EVERYTHING), name="plan.json")
    assert again.review == EVERYTHING.review
    assert all(form(again) == form(EVERYTHING) for form in FORMS.values())


def test_what_is_brought_is_read_before_what_was_so() -> None:
    """Keys with old faults do not push a widening out of sight."""
    old = finding("old", address="a/label", severity=Severity.CRITICAL, is_of_change=False)
    plan = plan_of(
        [changed("a/label"), changed("a/one")], [neutral("a/label"), widened("a/one", "x")], [old]
    )
    ordered = reviewed(plan).risky_first
    assert [c.change.address for c in ordered] == ["a/one", "a/label"]
    assert all(c.is_loud for c in ordered)


def test_the_status_says_what_stands_against_a_plan() -> None:
    """Manifests at fault first, then refusals."""
    wanted = {
        "invalid": Status.INVALID,
        "refused": Status.REFUSED,
        "update": Status.READY,
        "no-changes": Status.EMPTY,
    }
    assert {name: reviewed(plans()[name]).status for name in wanted} == wanted


def test_code_scanning_is_told_who_accepts_a_finding() -> None:
    """A waiver that does not count suppresses nothing, and is named in the message."""
    (run,) = json.loads(plan_sarif(EVERYTHING))["runs"]
    accepted, coming = (
        next(r for r in run["results"] if message in r["message"]["text"])
        for message in ("brought and accepted", "brought with a coming waiver")
    )
    (suppression,) = accepted["suppressions"]
    assert suppression["justification"] == waiver_words(STORED, str)
    assert "suppressions" not in coming
    assert waiver_words(COMING, str) in coming["message"]["text"]


def test_a_justification_of_code_scanning_holds_no_link() -> None:
    """Brackets of a waiver's owner and reason are escaped."""
    evil = replace(STORED, owner="[a](http://b)", reason="[c](http://d)")
    plan = plan_of([changed("a/one")], [], [finding("x", waiver=evil)])
    (run,) = json.loads(plan_sarif(plan))["runs"]
    (suppression,) = run["results"][0]["suppressions"]
    assert r"\[a\](http://b)" in suppression["justification"]
    assert r"\[c\](http://d)" in suppression["justification"]


def test_lists_for_hosts_leave_out_what_counts_as_accepted_alone() -> None:
    """What a coming waiver names is told, and that it does not help."""
    for shown in (plan_github(EVERYTHING), plan_gitlab(EVERYTHING)):
        assert "brought and accepted" not in shown
        assert f"brought with a coming waiver ({waiver_words(COMING, str)})" in shown


def many(large: int, small: int) -> Plan:
    """Give a plan whose first key gains more than a comment holds, before many small ones."""
    names = [f"a/{n:03}" for n in range(small + 1)]
    gains = [tuple(f"address-{n}" for n in range(large)), *[("x|y",)] * small]
    return plan_of(
        [changed(name) for name in names],
        [widened(name, *gained) for name, gained in zip(names, gains, strict=True)],
    )


def test_a_block_that_does_not_fit_keeps_out_no_smaller_one() -> None:
    """It becomes a row, which says what is gained, cut short; the others stand in full, in order."""
    shown = plan_markdown(many(20_000, 12))
    assert len(shown) <= LONGEST
    blocks = re.findall(r"^### .*`(a/\d+)`", shown, re.MULTILINE)
    assert blocks == [f"a/{n:03}" for n in range(1, 13)]
    rows = re.findall(r"^\| 🔺.*$", shown, re.MULTILINE)
    assert len(rows) == 1
    assert re.match(
        r"\| 🔺 WIDEN \| `a/000` \| \w+ \| addresses: address-0, address-1, .{1,80}… \|  \|",
        rows[0],
    )
    assert "more changes" not in shown


def test_rows_say_what_is_gained_and_what_was_found() -> None:
    """In five cells, whatever is gained; the rest is a number."""
    plan = many(1, 900)
    brought = [finding("z", address="a/899", rule=f"AK10{n}|") for n in range(6)]
    before = [finding("y", address="a/899", is_of_change=False)]
    review = replace(plan.review, findings=(*brought, *before))
    shown = plan_markdown(replace(plan, review=review), longest=20_000)
    assert len(shown) <= 20_000
    assert shown.index("`a/899`") < shown.index("`a/000`")
    rows = re.findall(r"^\| 🔺.*$", shown, re.MULTILINE)
    assert len(rows) > 50
    assert {row.count("|") for row in rows} == {6}
    assert r"addresses: x\\x7cy" in rows[5]
    cut = re.search(r"and \*\*(\d+) more changes\*\*", shown)
    blocks = re.findall(r"^### 🔺", shown, re.MULTILINE)
    assert cut is not None
    assert len(blocks) + len(rows) + int(cut[1]) == 901


def test_a_row_names_few_rules_and_counts_the_others() -> None:
    """What was so before is counted apart."""
    gained = tuple(f"address-{n}" for n in range(20_000))
    brought = [finding("z", rule=f"AK10{n}") for n in range(6)]
    before = finding("y", is_of_change=False)
    plan = plan_of([changed("a/one")], [widened("a/one", *gained)], [*brought, before])
    shown = plan_markdown(plan)
    assert "| AK100 high, AK101 high, AK102 high, AK103 high +2; 1 before |" in shown
