"""Write docs/reference/commands.md from the help of the commands; `--check` only compares.

The page holds what `--help` says; only its first lines are written by hand, here.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.catalogue import SECTIONS
from reconciler.cli.group import GlobalOption
from reconciler.cli.main import top_command

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "commands.md"

HEAD = """\
# Commands

Made by `python tools/commands.py` from the program's own help. [Exit codes](exit-codes.md) have a
page of their own, as has [keyrec from Python](python.md).

Results go to standard output, everything else to standard error. NAME is `workspace/name`, or the
name alone where only one workspace has it. Flags of Terraform's habit (`-auto-approve`, `-out`,
`-json`, `-detailed-exitcode`, `-no-color`, `-target`, `-chdir`) are taken as well.

Every flag has a variable: `KEYREC_` and its name, such as `KEYREC_DETAILED_EXITCODE=1` or
`KEYREC_LOCK_TIMEOUT=5m`; the flag is stronger. Not so the flags that approve, count removals, give
reasons, end secrets or say whose keys are meant: those are said each time; nor where `serve`
listens, which has [variables of its own](configuration.md#server). `NO_COLOR` and
`FORCE_COLOR` are obeyed where `--color` says nothing; with `CI` set nobody is asked.

The shell completes commands and flags:

```console
$ eval "$(_KEYREC_COMPLETE=bash_source keyrec)"    # bash, in ~/.bashrc
$ eval "$(_KEYREC_COMPLETE=zsh_source keyrec)"     # zsh, in ~/.zshrc
$ _KEYREC_COMPLETE=fish_source keyrec | source     # fish
```

Every command takes, before its name or after it:
"""


def page() -> str:
    """Give the whole page."""
    return "\n".join(_parts()).rstrip("\n") + "\n"


def _parts() -> Iterator[str]:
    yield HEAD
    yield from _flags(top_command(), everywhere=True)
    for title, entries in SECTIONS:
        yield f"## {title}\n"
        yield "| Command | Does |\n|---|---|"
        yield "\n".join(f"| `{entry.name}` | {entry.line} |" for entry in entries)
        yield ""
        for entry in entries:
            command: click.Command = importlib.import_module(entry.module).command
            yield from _command(f"keyrec {entry.name}", command)


def _command(path: str, command: click.Command) -> Iterator[str]:
    yield f"### {path}\n"
    if isinstance(command, click.Group):
        yield f"{_prose(command)}\n"
        for name, part in command.commands.items():
            yield from _command(f"{path} {name}", part)
        return
    context = click.Context(command, info_name=path)
    pieces = [p for p in command.collect_usage_pieces(context) if p != "[OPTIONS]"]
    yield f"```console\n$ {' '.join([path, '[OPTIONS]', *pieces])}\n```\n"
    yield f"{_prose(command)}\n"
    yield from _flags(command, everywhere=False)


def _prose(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "")


def _flags(command: click.Command, *, everywhere: bool) -> Iterator[str]:
    context = click.Context(command, info_name="keyrec")
    flags = (p for p in command.params if isinstance(p, click.Option))
    chosen = (p for p in flags if isinstance(p, GlobalOption) is everywhere)
    records = [r for p in chosen if (r := p.get_help_record(context)) is not None]
    if records:
        yield "| Flag | |\n|---|---|"
        yield "\n".join(f"| {_code(flag)} | {_cell(text)} |" for flag, text in records)
        yield ""


def _code(flag: str) -> str:
    return f"`{_cell(flag)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the page, or say that it is behind."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/reference/commands.md is behind: run python tools/commands.py")


if __name__ == "__main__":
    main()
