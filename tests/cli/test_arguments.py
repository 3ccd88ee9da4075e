"""Spellings that users bring."""

from __future__ import annotations

import pytest

from reconciler.cli.arguments import rewritten


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (["apply", "-auto-approve"], ["apply", "--auto-approve"]),
        (["plan", "-out", "p.json"], ["plan", "--out", "p.json"]),
        (["plan", "-out=p.json"], ["plan", "--out=p.json"]),
        (["plan", "-json"], ["plan", "--format=json"]),
        (["plan", "--json"], ["plan", "--format=json"]),
        (["plan", "-detailed-exitcode"], ["plan", "--detailed-exitcode"]),
        (["-chdir=keys", "plan"], ["--chdir=keys", "plan"]),
        (["plan", "-no-color"], ["plan", "--no-color"]),
        (["apply", "-lock-timeout=60s"], ["apply", "--lock-timeout=60s"]),
        (["plan", "-o", "p.json", "-vv", "-C", "x"], ["plan", "-o", "p.json", "-vv", "-C", "x"]),
        (["get", "--", "-json"], ["get", "--", "-json"]),
    ],
)
def test_a_spelling_of_another_tool_means_the_same_here(given: list[str], ours: list[str]) -> None:
    """Whole words of a closed list, up to `--`; everything else stays."""
    assert rewritten(given) == ours
