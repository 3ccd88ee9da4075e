"""Write docs/reference/rules/ from the rules of the review: a page each, and their index."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from reconciler.review.catalogue import RULES
from reconciler.review.rule import Rule, Subject

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference" / "rules"

HEAD = """\
# Rules of the review

Made by `python tools/rules.py` from the rules in `reconciler/review/`.

`keyrec plan` asks every rule. A finding of what the plan changes refuses it (exit code 5) where it
is as grave as `spec.review.failOn` of the stored policy, which is `critical` where nothing is said.
What was so before the plan, or comes with time, is told and refuses nothing: it would stop the work
of everybody without mending it. `info` never refuses.

The policy says how grave a rule is, everywhere or for the keys of one workspace, and may switch it
[off](../manifests.md#policy). Its word holds for all findings of the rule, the gravest cases too;
one that makes any of them less grave is itself a finding ([AK116](AK116.md)). A
[waiver](../manifests.md#waiver) accepts one rule for one key, with a reason and a last day. Both
count from the apply after the one that brings them. A waiver accepts whatever the rule finds of its
key until then, also what comes later: give it a near day. A key that is renamed leaves it behind.

Some rules say what verifiers saw: when, from where, for what, how often; their pages say so. Where
none reports they are silent, and what was not seen is a finding only where verifiers looked for the
whole time.

How a verifier proves secrets, and whether an owner is still an admin, the review does not know: an
owner is a word, no identity. Whether the sink holds the current secret says
[`keyrec drift`](../drift.md), whether the audit log is whole [`keyrec audit`](../audit.md). A
leaked secret is never accepted.
"""
SUBJECTS = {
    Subject.CHANGE: "What a plan changes",
    Subject.MANIFEST: "What is declared",
    Subject.STATE: "What the store and the time say",
}


def pages() -> dict[str, str]:
    """Give every page by its file name."""
    return {"README.md": index(), **{f"{rule.id}.md": page(rule) for rule in RULES}}


def index() -> str:
    """Give the list of all rules."""
    return "\n".join(_index_lines()) + "\n"


def _index_lines() -> Iterator[str]:
    yield HEAD
    for subject, title in SUBJECTS.items():
        yield f"## {title}\n"
        yield "| Rule | Asks | Severity |\n|---|---|---|"
        for rule in RULES:
            if rule.subject is subject:
                yield f"| [{rule.id}]({rule.id}.md) | {rule.title} | {_severity(rule)} |"
        yield ""
    yield "## The console page's best practices\n"
    yield "| Best practice | Rules |\n|---|---|"
    for practice in sorted({rule.practice for rule in RULES if rule.practice}):
        ids = (f"[{r.id}]({r.id}.md)" for r in RULES if r.practice == practice)
        yield f"| {practice} | {', '.join(ids)} |"


def _severity(rule: Rule) -> str:
    if rule.refused_as:
        return "refused before the review"
    grave = "" if rule.gravest is rule.severity else f", at worst {rule.gravest.value}"
    return f"{rule.severity.value}{grave}"


def page(rule: Rule) -> str:
    """Give one rule's page."""
    return "\n".join(_page_lines(rule)) + "\n"


def _page_lines(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id}: {rule.title}\n"
    yield f"Severity: {_severity(rule)}. [All rules](README.md)\n"
    if rule.check is not None:
        yield f"{inspect.getdoc(rule.check)}\n"
    if rule.refused_as:
        codes = ", ".join(f"`{code}`" for code in rule.refused_as)
        yield f"Nobody can accept it: it is refused as {codes}.\n"
    yield f"## Why\n\n{rule.why}\n"
    if rule.practice:
        yield f"The console page's best practice: {rule.practice}\n"
    yield f"## What to do\n\n{rule.mend}\n"
    if rule.by_use:
        yield "It says what verifiers saw; where none reports, it is silent.\n"
    if rule.standing:
        yield "It comes with time, so it refuses no plan.\n"
    if not rule.refused_as:
        yield _ACCEPTED.format(id=rule.id) if rule.of_keys else _OF_RESOURCES.format(id=rule.id)


_OF_RESOURCES = """## Where it is accepted

Waivers are for keys, and this is about what many keys share. For everybody, in the policy:
`review: {{rules: {{{id}: low}}}}`."""
_ACCEPTED = """## Where it is accepted

```
apiVersion: keyrec/v1
kind: Waiver
metadata: {{name: why-it-is-accepted}}
spec:
  rule: {id}
  key: {{workspace: payments, name: billing-sync-prod}}
  reason: One sentence
  owner: team-security
  expires: "2027-01-31"
```

Or, for everybody, in the policy: `review: {{rules: {{{id}: low}}}}`."""


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
