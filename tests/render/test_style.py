"""Colour, escapes and widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.field_lines import value_text
from reconciler.render.json_form import json_text
from reconciler.render.style import PLAIN, Style, Tint, columns, escape, joined, padded


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("payments/ü-名-…", "payments/ü-名-…"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x00\x7f\x9b31m\x85", r"\x00\x7f\x9b31m\x85"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u2028\u2029\u200b\ufeff\u00a0", r"\u2028\u2029\u200b\ufeff\xa0"),
        ("\U000e0041\udc80", r"\U000e0041\udc80"),
        ("##[error]x ##vso[task] ## heading", r"#\x23[error]x #\x23vso[task] ## heading"),
        ("##VSO[task.setvariable]", r"#\x23VSO[task.setvariable]"),
    ],
)
def test_what_is_not_printable_is_shown_as_its_escape(text: str, shown: str):
    """Nothing that comes from outside steers a terminal or a job's log."""
    assert escape(text) == shown


@given(st.text())
def test_an_escaped_text_is_one_printable_line(text: str):
    """Whatever the text."""
    shown = escape(text)
    assert shown.isprintable()
    assert escape(shown) == shown


@given(st.lists(st.text()))
def test_no_line_can_be_taken_for_a_command_of_a_job_log(texts: list[str]):
    """A line never begins with two colons, and there are as many lines as were given."""
    lines = joined(escape(text) for text in texts).split("\n")
    assert len(lines) == len(texts) + 1
    assert not [line for line in lines if line.strip().startswith("::")]


def test_colons_within_a_line_stay():
    """An IPv6 range reads as it is."""
    assert joined(["allowlist + ::/0", "  ::1", ""]) == "allowlist + ::/0\n  \\x3a:1\n\n"


def test_colour_is_only_added_where_it_is_wanted():
    """Plain is plain."""
    style = Style(color=True)
    assert style.paint("a", Tint.RED, Tint.BOLD) == "\x1b[31;1ma\x1b[0m"
    assert style.paint("a") == "a"
    assert style.paint("", Tint.RED) == ""
    assert PLAIN.paint("a", Tint.RED) == "a"


@pytest.mark.parametrize(("text", "wide"), [("abc", 3), ("名前", 4), ("e\u0301", 1), ("…", 1)])
def test_widths_are_those_of_a_terminal(text: str, wide: int):
    """Wide characters take two columns, combining ones none."""
    assert columns(text) == wide
    assert padded(text, 6) == text + " " * (6 - wide)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none)"),
        ([], "(none)"),
        (True, "true"),
        (3, "3"),
        ("payments/prod", "payments/prod"),
        ("", '""'),
        ("a → b", '"a → b"'),
        ('say "no" \\', '"say \\"no\\" \\\\"'),
        ("a\nb", r'"a\nb"'),
        ({"a": [1, "b c"]}, '{a: [1, "b c"]}'),
    ],
)
def test_a_value_reads_as_in_a_manifest(value, shown: str):
    """Quotes stand where a text could be taken for something else."""
    assert value_text(value) == shown


def test_json_is_sorted_and_pure_ascii():
    """A terminal that shows it sees no escape, no reordering, no command."""
    text = json_text({"b": "ü\x1b\u202e\x7f", "a": "###[error]"})
    assert text == ('{\n  "a": "#\\u0023#[error]",\n  "b": "\\u00fc\\u001b\\u202e\\u007f"\n}\n')
