"""Rules for other scanners: well formed, equal to the files beside us, and of our grammar exactly."""

from __future__ import annotations

import math
import random
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials.scanning import sightings
from reconciler.model.token import ALPHABET, TOKEN_PATTERN, compose, parse
from reconciler.render.scan_rules import LEAST_ENTROPY, gitleaks_rule, trufflehog_detector
from tests.fakes.planted import key

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "leaks"
DEFAULT = "krk"
NOT_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]|\(\?P?<|[*+?}]\+")
"""Look-around, back references, named groups, possessive counts."""


def gitleaks(prefix: str) -> dict[str, Any]:
    """Give the one rule of the configuration."""
    (rule,) = tomllib.loads(gitleaks_rule(prefix))["rules"]
    return dict(rule)


def trufflehog(prefix: str) -> dict[str, Any]:
    """Give the one detector of the configuration."""
    (detector,) = yaml.safe_load(trufflehog_detector(prefix))["detectors"]
    return dict(detector)


def patterns(prefix: str) -> list[str]:
    """Give the regular expression of each."""
    return [gitleaks(prefix)["regex"], *trufflehog(prefix)["regex"].values()]


def matches(pattern: str, text: str) -> list[tuple[str, int]]:
    """Give all matches with their places, by the group that a scanner reports."""
    return [(m[1], m.start(1)) for m in re.compile(pattern, re.ASCII).finditer(text)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gitleaks.toml", gitleaks_rule(DEFAULT)),
        ("trufflehog.yaml", trufflehog_detector(DEFAULT)),
    ],
)
def test_the_files_are_what_the_command_prints(name: str, text: str) -> None:
    """`keyrec scan --rule … > integrations/leaks/…` writes them anew."""
    assert (FOLDER / name).read_text(encoding="utf-8") == text


def test_the_rules_have_the_fields_that_their_scanners_read() -> None:
    """gitleaks: one group is the key; TruffleHog: nothing verifies, for nobody should send one."""
    rule = gitleaks("acme")
    assert rule.keys() == {"id", "description", "regex", "secretGroup", "entropy", "keywords"}
    assert (rule["secretGroup"], rule["entropy"], rule["keywords"]) == (1, 4, ["acme_"])
    assert tomllib.loads(gitleaks_rule("acme"))["extend"] == {"useDefault": True}
    detector = trufflehog("acme")
    assert detector.keys() == {"name", "keywords", "regex"}
    assert detector["keywords"] == ["acme_"]


@pytest.mark.parametrize("prefix", ["krk", "ab", "abcdefgh"])
def test_the_patterns_use_nothing_that_re2_lacks(prefix: str) -> None:
    """Both scanners are written in Go."""
    for pattern in patterns(prefix):
        assert NOT_RE2.search(pattern) is None
        assert re.compile(pattern).groups == 1


PARTS = st.one_of(
    st.sampled_from(["krk_", "krk", "_", "prod", "live_", "\n", '"', "é", "krk_prod_"]),
    st.text(alphabet=ALPHABET, min_size=0, max_size=60),
    st.text(alphabet=ALPHABET, min_size=12, max_size=12).map(lambda t: f"_{t}_"),
    st.text(alphabet=ALPHABET, min_size=49, max_size=49),
    st.builds(
        lambda i, s, e: compose(prefix="krk", environment=e, version_id=i, secret=s).reveal(),
        st.text(alphabet=ALPHABET, min_size=12, max_size=12),
        st.text(alphabet=ALPHABET, min_size=43, max_size=43),
        st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True),
    ),
)


@given(st.lists(PARTS, max_size=12).map("".join))
def test_the_patterns_match_exactly_what_the_grammar_matches(text):
    """On texts made of keys, of pieces of keys and of anything else."""
    grammar = TOKEN_PATTERN.replace("[a-z]{2,8}", "krk", 1)
    expected = [(m[0], m.start()) for m in re.finditer(grammar, text, re.ASCII)]
    for pattern in patterns("krk"):
        assert matches(pattern, text) == expected
        ids = [one.split("_")[2] for one, _ in expected]
        assert {s.token.version_id for s in sightings([text.encode()], "krk")} <= set(ids)


def test_every_key_passes_the_bound_of_entropy_and_a_placeholder_does_not() -> None:
    """Gitleaks leaves out what has fewer bits for each character."""
    draw = random.Random(4711)

    def drawn(length: int) -> str:
        return "".join(draw.choices(ALPHABET, k=length))

    for _ in range(2000):
        one = compose(
            prefix="krk", environment="prod", version_id=drawn(12), secret=drawn(43)
        ).reveal()
        assert entropy(one) > LEAST_ENTROPY + 0.4
    assert entropy(f"krk_prod_{'x' * 12}_{'x' * 49}") < LEAST_ENTROPY


def entropy(word: str) -> float:
    """Give Shannon's entropy, as gitleaks computes it."""
    return -sum(n / len(word) * math.log2(n / len(word)) for n in Counter(word).values())


def test_what_a_rule_finds_is_a_key_that_we_can_name() -> None:
    """The third part of a match is the id that `rotate --leaked` takes."""
    for pattern in patterns("krk"):
        ((one, _),) = matches(pattern, f"export K={key()};")
        assert parse(one) == parse(key())
