"""The reference says what the program does."""

import re
from pathlib import Path

from reconciler.credentials.checks import CheckName, EvidenceName
from reconciler.credentials.explain import USE_CHECKS
from reconciler.credentials.hashing import PROFILES, SHORTEST_PEPPER
from reconciler.credentials.rows import TABLE
from reconciler.credentials.verdict import UNDECIDED, DenialReason, Denied
from reconciler.model.token import ALPHABET, TOKEN_PATTERN, ParsedToken, compose, parse

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ACCESS = (REFERENCE / "access.md").read_text(encoding="utf-8")
TOKEN = (REFERENCE / "token.md").read_text(encoding="utf-8")


def test_every_reason_is_listed_in_the_order_of_checks():
    """Number, name, and whether the presenter is told."""
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \| .+ \| (yes|no) \|$", ACCESS, re.MULTILINE)

    assert rows == [
        (str(number), reason.value, "yes" if Denied(reason=reason).is_proven else "no")
        for number, reason in enumerate(DenialReason, start=1)
    ]


def test_every_check_of_explain_is_listed_with_its_reasons_and_its_row():
    """Each reason of a decision belongs to exactly one check, each check to one row."""
    table = ACCESS.partition("## What `explain` checks")[2]
    rows = re.findall(r"^\| ([a-z ]+) \| (`.+`) \| (.+) \|$", table, re.MULTILINE)

    assert [name for name, _, _ in rows] == [name.value for name in CheckName]
    listed = re.findall(r"`([a-z-]+)`", " ".join(reasons for _, reasons, _ in rows))
    assert listed == [reason.value for reason in DenialReason if reason not in UNDECIDED]
    assert len(USE_CHECKS) == len(rows) - 4
    symptoms = {name.value: s.value for s, rule in TABLE.items() for name in rule.checks}
    assert {name: row for name, _, row in rows} == {n.value: symptoms[n.value] for n in CheckName}


def test_everything_that_is_looked_at_beside_the_decision_is_listed_with_its_row():
    """In the order in which it is looked at."""
    table = ACCESS.partition("### Beside the decision")[2]
    rows = re.findall(r"^\| ([a-z ]+) \| .+ \| ([A-Z].+) \|$", table, re.MULTILINE)
    symptoms = {name: s.value for s, rule in TABLE.items() for name in rule.checks}

    assert rows == [(name.value, symptoms[name]) for name in EvidenceName]


def test_every_symptom_is_listed_with_what_the_page_says():
    """The page's own table, word for word."""
    table = ACCESS.partition("### The rows")[2].partition("###")[0]
    rows = re.findall(r"^\| ([A-Z].+) \| (.+\.) \|", table, re.MULTILINE)

    assert rows == [(s.value, rule.what_to_check) for s, rule in TABLE.items()]


def test_the_example_key_is_of_the_grammar():
    """Its checksum is right, as the text says."""
    example = TOKEN.split("```")[1].split()[0]

    assert isinstance(parse(example), ParsedToken)


def test_the_regular_expression_and_the_digits_are_the_programs():
    """What scanners are given is what the program means."""
    assert f"```\n{TOKEN_PATTERN}\n```" in TOKEN
    assert f"`{ALPHABET}`" in TOKEN


def test_the_lengths_are_those_of_real_keys():
    """Shortest, longest, and the usual one."""
    lengths = [
        len(
            compose(
                prefix=prefix, environment=environment, version_id="0" * 12, secret="0" * 43
            ).reveal()
        )
        for prefix, environment in (("krk", "prod"), ("ab", "x"), ("a" * 8, "e" * 16))
    ]

    assert [int(n) for n in re.findall(r"^\| .+ \| (\d\d) \|$", TOKEN, re.MULTILINE)] == lengths


def test_the_published_checksum_code_agrees_with_the_program():
    """The code that the reference gives to scanners is run."""
    code = TOKEN.split("```python\n")[1].split("```")[0]
    scope: dict[str, object] = {}
    exec(code, scope)
    has_right_checksum = scope["has_right_checksum"]
    assert callable(has_right_checksum)

    key = compose(prefix="krk", environment="prod", version_id="0" * 12, secret="1" * 43).reveal()
    assert has_right_checksum(key)
    assert not has_right_checksum(key.replace("1", "2", 1))


def test_the_profiles_are_listed_with_their_parameters():
    """Auditors read the table."""
    rows = re.findall(r"^\| `([a-z]+)`.* \| (\d+) \| (\d+) KiB \| (\d+) \|$", TOKEN, re.MULTILINE)

    assert rows == [
        (profile.value, str(p.time), str(p.memory), str(p.parallelism))
        for profile, p in PROFILES.items()
    ]
    assert f"at least {SHORTEST_PEPPER} bytes" in TOKEN
