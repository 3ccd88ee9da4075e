"""When output is coloured."""

from __future__ import annotations

import io

import pytest

from reconciler.cli.color import style_for, wants_color
from tests.fakes.command_line import CommandLine, Terminal


@pytest.mark.parametrize(
    ("choice", "environ", "is_terminal", "colored"),
    [
        ("auto", {"TERM": "xterm"}, True, True),
        ("auto", {"TERM": "xterm"}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0", "TERM": "xterm"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_the_flag_counts_before_the_environment_and_that_before_the_terminal(
    choice: str, environ: dict[str, str], is_terminal: bool, colored: bool
) -> None:
    """Every habit that users bring."""
    assert wants_color(choice, environ, is_terminal=is_terminal) is colored


def test_only_a_terminal_has_a_width() -> None:
    """A pipe is never laid out for."""
    assert style_for("never", io.StringIO()).width is None
    assert style_for("never", Terminal()).width is not None


@pytest.mark.parametrize(
    ("flags", "colored"),
    [((), False), (("--color", "always"), True), (("--color", "always", "--no-color"), False)],
)
def test_a_plan_is_coloured_where_that_is_asked_for(
    started: CommandLine, flags: tuple[str, ...], colored: bool
) -> None:
    """The same words stand without colour."""
    answer = started("plan", *flags)
    assert ("\x1b[" in answer.out) is colored
    assert "create" in answer.out
