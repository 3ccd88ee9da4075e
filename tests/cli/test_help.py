"""Help: quick, complete, and the same words everywhere."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest

from reconciler.cli.catalogue import ENTRIES
from reconciler.cli.group import GlobalOption
from reconciler.cli.main import top_command
from tests.fakes.command_line import CommandLine

HEAVY = ("sqlalchemy", "alembic", "hvac", "pydantic", "argon2", "yaml", "pyrage", "psycopg")


def loaded_after(*argv: str) -> set[str]:
    """Give the names of the packages that are loaded when a command has ended."""
    script = (
        "import sys\n"
        "from reconciler.cli.main import run\n"
        f"run({list(argv)!r})\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(ended.stderr.split())


@pytest.mark.parametrize("argv", [("--help",), ("--version",), ("apply", "--help")])
def test_help_loads_nothing_heavy(argv: tuple[str, ...]) -> None:
    """What takes long to import is imported by what needs it."""
    assert loaded_after(*argv) & set(HEAVY) == set()


def test_the_help_names_every_command_with_its_line(keyrec: CommandLine) -> None:
    """`keyrec --help` is complete."""
    answer = keyrec("--help")
    assert answer.code == 0
    for entry in ENTRIES.values():
        assert f"{entry.name} " in answer.out
        assert entry.line in answer.out


@pytest.mark.parametrize("name", ENTRIES)
def test_a_command_stands_in_its_own_module_under_its_name(name: str) -> None:
    """The catalogue and the modules hold together."""
    command = importlib.import_module(ENTRIES[name].module).command
    assert isinstance(command, click.Command)
    assert command.help


@pytest.mark.parametrize("name", [n for n in ENTRIES if n not in {"lock", "audit"}])
def test_every_command_takes_the_global_flags(name: str) -> None:
    """A global flag is taken before the command and after it."""
    everywhere = {p.name for p in top_command().params if isinstance(p, GlobalOption)}
    command = importlib.import_module(ENTRIES[name].module).command
    assert {p.name for p in command.params if isinstance(p, GlobalOption)} == everywhere


@pytest.mark.parametrize("name", ENTRIES)
def test_every_flag_says_what_it_does(name: str) -> None:
    """No flag is without help."""
    command = importlib.import_module(ENTRIES[name].module).command
    family = command.commands.values() if isinstance(command, click.Group) else (command,)
    silent = [
        p.opts for c in family for p in c.params if isinstance(p, click.Option) and not p.help
    ]
    assert silent == []


@pytest.mark.parametrize("name", ENTRIES)
def test_the_variable_of_a_flag_bears_the_flags_name(name: str) -> None:
    """KEYREC_DETAILED_EXITCODE stands for --detailed-exitcode, and so for every other flag."""
    command = importlib.import_module(ENTRIES[name].module).command
    family = command.commands.values() if isinstance(command, click.Group) else (command,)
    flags = [p for c in family for p in c.params if isinstance(p, click.Option)]
    for flag in (p for p in flags if p.allow_from_autoenv):
        assert f"--{(flag.name or '').replace('_', '-')}" in flag.opts


def test_no_command_shows_the_help_and_is_a_usage_error(keyrec: CommandLine) -> None:
    """A script whose variable is empty does not go on as if all were well."""
    answer = keyrec()
    assert answer.code == 3
    assert answer.out == ""
    assert "Usage: keyrec" in answer.err


@pytest.mark.parametrize(
    ("words", "at", "offered"),
    [
        ("keyrec re", "1", {"plain,release"}),
        ("keyrec plan --det", "2", {"plain,--detailed-exitcode"}),
        ("keyrec lock ", "2", {"plain,status", "plain,release"}),
    ],
)
def test_the_shell_completes_commands_and_flags(
    keyrec: CommandLine, words: str, at: str, offered: set[str]
) -> None:
    """Bash asks `keyrec` itself what may come next."""
    keyrec.set(_KEYREC_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=at)
    out, err = keyrec.start().communicate(timeout=60)
    assert (set(out.split()), err) == (offered, "")
