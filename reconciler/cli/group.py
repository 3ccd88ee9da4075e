"""The top command: knows its commands by name and loads one only when it runs.

Also here: the flags that every command takes, before its name and after it.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from reconciler.cli.catalogue import ENTRIES, SECTIONS
from reconciler.cli.session import COLOR_CHOICES, Session


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Put a global flag into the session; silence after the command keeps what stood before it."""
    source = ctx.get_parameter_source(param.name or "")
    given = source in {click.ParameterSource.COMMANDLINE, click.ParameterSource.ENVIRONMENT}
    if given:
        ctx.ensure_object(Session).remember(param.name or "", value)


def global_options(*, from_environment: bool) -> list[click.Parameter]:
    """Give new options that the top command and every command take."""
    shared: dict[str, Any] = {
        "callback": remember,
        "expose_value": False,
        "allow_from_autoenv": from_environment,
    }
    return [
        GlobalOption(["-C", "--chdir"], metavar="DIR", help="Run as if started in DIR.", **shared),
        GlobalOption(
            ["--config"],
            metavar="FILE",
            help="Configuration file.  [default: keyrec.yaml]",
            **shared,
        ),
        GlobalOption(
            ["-q", "--quiet"], is_flag=True, help="Say only results and errors.", **shared
        ),
        GlobalOption(
            ["-v", "--verbose"],
            count=True,
            help="Say more; -vv shows every effect, and tracebacks.",
            **shared,
        ),
        GlobalOption(
            ["--color"],
            type=click.Choice(COLOR_CHOICES),
            help="When to colour.  [default: auto; NO_COLOR and FORCE_COLOR count]",
            **shared,
        ),
        GlobalOption(["--no-color"], is_flag=True, help="The same as --color never.", **shared),
    ]


class GlobalOption(click.Option):
    """A flag that is taken before the command and after it."""


class KeyrecCommand(click.Command):
    """A command that also takes the global flags, and lists them apart from its own."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Add the global flags; each own flag has an environment variable KEYREC_<FLAG>."""
        settings.setdefault("context_settings", {}).setdefault("auto_envvar_prefix", "KEYREC")
        super().__init__(*args, **settings)
        self.params.extend(global_options(from_environment=False))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write own options first, global ones below."""
        write_options(self, ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it in the folder that -C names."""
        with ctx.ensure_object(Session).in_folder():
            return super().invoke(ctx)


class CommandFamily(click.Group):
    """A command with commands of its own, such as `lock`."""

    command_class = KeyrecCommand


def write_options(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write the options of a command in two lists."""
    listed = [(p, p.get_help_record(ctx)) for p in command.get_params(ctx)]
    own = [r for p, r in listed if r is not None and not isinstance(p, GlobalOption)]
    everywhere = [r for p, r in listed if r is not None and isinstance(p, GlobalOption)]
    for title, records in (("Options", own), ("Global options", everywhere)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class TopCommand(click.Group):
    """`keyrec` itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order of the help."""
        del ctx
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one command that is asked for."""
        del ctx
        entry = ENTRIES.get(cmd_name)
        if entry is None:
            return None
        return cast("click.Command", importlib.import_module(entry.module).command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown name with the one that was probably meant."""
        if args and args[0] not in ENTRIES and not args[0].startswith("-"):
            near = get_close_matches(args[0], ENTRIES, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the flags."""
        for title, entries in SECTIONS:
            with formatter.section(title):
                formatter.write_dl([(e.name, e.line) for e in entries])
        write_options(self, ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing what they name."""
        names = [
            CompletionItem(e.name, help=e.line)
            for e in ENTRIES.values()
            if e.name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]
