"""The forms of a reviewed plan, held by independent readers: a Markdown parser, an HTML parser, a
model of SARIF that is not ours. Whatever a manifest holds, nothing of it is obeyed.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import html5lib
import pytest
from markdown_it import MarkdownIt
from sarif_pydantic import Sarif

from reconciler.model.review import Review
from reconciler.planning.plan import Plan
from reconciler.render.findings_lists import plan_github, plan_gitlab
from reconciler.render.findings_sarif import plan_sarif
from reconciler.render.html import plan_html
from reconciler.render.markdown import LONGEST, plan_markdown
from reconciler.render.markdown_text import code, prose
from reconciler.review.reviewing import reviewed_plan
from tests.fakes.world import World, spec
from tests.render.reviews import everything
from tests.render.samples import plans
from tests.render.test_hostile import FORBIDDEN, PAYLOAD, hostile, obeyed

PLANS = {**plans(), "everything": everything()}
MARKDOWN = MarkdownIt("gfm-like", {"html": True, "linkify": False})
GREEDY = f"{PAYLOAD}@everyone #1 !2 GH-3 www.evil.example https://evil.example :skull: &lt; ~~x~~ $x$ ``` | ---"
TEXT = re.compile(
    r"[^\n\x20-\x7e\u00a1-\u167f\u2010-\u2027\u2030-\u205e\u2190-\ud7ff\ufe0f\U0001f300-\U0001faff]"
)


def tokens(text: str) -> list[str]:
    """Give the kinds of everything that a Markdown reader sees, inline parts too."""
    found = MARKDOWN.parse(text)
    return [t.type for token in found for t in (token, *(token.children or ()))]


def shown_html(text: str) -> list[str]:
    """Give the HTML that a Markdown reader would pass on."""
    found = MARKDOWN.parse(text)
    every = [t for token in found for t in (token, *(token.children or ()))]
    return [t.content.strip() for t in every if t.type in {"html_block", "html_inline"}]


@pytest.mark.parametrize("name", PLANS)
def test_a_comment_is_markdown_with_our_own_markup_alone(name: str) -> None:
    """Hidden mark, folds, small print; no link, no image, no foreign tag."""
    for plan in (PLANS[name], hostile(PLANS[name])):
        shown = plan_markdown(plan, environments=("prod",))
        seen = tokens(shown)
        assert {"link_open", "image"} & set(seen) == set()
        tags = re.findall(r"</?([a-z]+)", " ".join(shown_html(shown)))
        assert set(tags) <= {"details", "summary", "sub"}
        assert TEXT.findall(shown) == []
        assert obeyed(shown) == []
        assert shown.startswith("<!-- keyrec:prod -->\n")


@pytest.mark.parametrize("name", PLANS)
def test_hostile_content_gives_a_comment_of_the_same_shape(name: str) -> None:
    """As many headings, items and folds as for harmless content."""
    plan = PLANS[name]
    shapes = [
        [t for t in tokens(plan_markdown(p)) if t in {"heading_open", "list_item_open", "tr_open"}]
        for p in (plan, hostile(plan))
    ]
    assert shapes[0] == shapes[1]


def test_foreign_words_are_shown_to_the_letter() -> None:
    """What a reader sees is what was written, controls shown as escapes."""
    for line in (GREEDY, "a`b``c", "`x`", "x|y", "*_~[]()<>", "1. a", "  ", "plain"):
        for shown in (code(line), f"x {prose(line)}"):
            seen = tokens(shown)
            assert {"link_open", "image", "html_inline", "em_open", "strong_open", "s_open"} & set(
                seen
            ) == set()


def test_mentions_and_numbers_stand_in_code() -> None:
    """A host would call people and link issues otherwise."""
    for word in ("@everyone", "#12", "!7", "GH-1", "a@b.example", "https://x", "www.x.y", ":tada:"):
        assert prose(f"see {word} now") == f"see `{word}` now"


class _Seen(HTMLParser):
    """Notes tags and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        self.tags.add(tag)
        self.addresses += [v or "" for n, v in attrs if n in {"href", "src", "action"}]
        assert not any(name.startswith("on") for name, _ in attrs)


@pytest.mark.parametrize("name", PLANS)
def test_the_page_is_html_that_needs_nothing_else(name: str) -> None:
    """Strictly parsed; no script, no address but its own anchor, for hostile content too."""
    for plan in (PLANS[name], hostile(PLANS[name])):
        page = plan_html(plan, environments=("prod",))
        parser = html5lib.HTMLParser(strict=True)
        parser.parse(page)
        seen = _Seen()
        seen.feed(page)
        assert {"script", "img", "iframe", "link", "object", "form"} & seen.tags == set()
        assert seen.addresses == ["#changes"]
        assert FORBIDDEN.findall(page) == []
        assert obeyed(page) == []


@pytest.mark.parametrize("name", PLANS)
def test_the_log_is_sarif(name: str) -> None:
    """Read by a model that is not ours; every rule that is named is described."""
    for plan in (PLANS[name], hostile(PLANS[name])):
        text = plan_sarif(plan)
        Sarif.model_validate_json(text)
        (run,) = json.loads(text)["runs"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(set(rules)) == len(rules)
        for result in run["results"]:
            if "ruleIndex" in result:
                assert rules[result["ruleIndex"]] == result["ruleId"]
        prints = [r["partialFingerprints"]["keyrec/v1"] for r in run["results"]]
        assert len(set(prints)) == len(prints)


def test_a_fingerprint_stays_where_a_finding_only_moves() -> None:
    """The line is no part of it."""
    plan = PLANS["update"]
    moved = replace(
        plan,
        review=replace(
            plan.review,
            findings=tuple(
                replace(f, source=None if f.source is None else replace(f.source, line=99))
                for f in plan.review.findings
            ),
        ),
    )
    assert prints(plan) == prints(moved)


def prints(plan: Plan) -> list[str]:
    """Give the fingerprints of a plan's results."""
    (run,) = json.loads(plan_sarif(plan))["runs"]
    return [r["partialFingerprints"]["keyrec/v1"] for r in run["results"]]


@pytest.mark.parametrize("name", PLANS)
def test_lists_for_hosts_hold_a_line_for_each_finding(name: str) -> None:
    """One command each, however hostile; the report is a list of what it has to hold."""
    for plan in (PLANS[name], hostile(PLANS[name])):
        lines = plan_github(plan).splitlines()
        told = [f for f in plan.review.findings if not f.is_accepted]
        brought = [f for f in told if f.is_of_change]
        assert len(lines) == len(brought) + len(plan.problems)
        assert all(re.match(r"::(error|warning|notice) (file=|title=)[^:]", line) for line in lines)
        assert FORBIDDEN.findall("\n".join(lines)) == []
        report = json.loads(plan_gitlab(plan))
        assert len({entry["fingerprint"] for entry in report}) == len(report)
        assert len(report) == len(told) + len(plan.problems)
        for entry in report:
            assert set(entry) == {
                "description",
                "check_name",
                "fingerprint",
                "severity",
                "location",
            }
            assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}


def test_five_thousand_changed_keys_give_a_comment_that_a_host_takes() -> None:
    """Riskiest first, the rest as rows, then as a number; nothing is lost in the saved plan."""
    world = World.seeded()
    names = [f"billing-{n:04}-prod" for n in range(5000)]
    request = world.request(*(spec(name) for name in names))
    plan = reviewed_plan(request)
    shown = plan_markdown(plan, environments=("prod",))
    assert len(shown) <= LONGEST
    assert len(shown.encode()) <= 65_535 * 4
    assert "5000 changes give access" in shown
    assert re.search(r"and \*\*\d{4} more changes\*\* \(\d{4} WIDEN\)", shown)
    assert shown.count("<details>") == shown.count("</details>")
    assert shown.rstrip().endswith("</sub>")
    assert plan.digest in shown
    assert isinstance(plan.review, Review)
