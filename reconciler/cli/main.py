"""The command `keyrec`: parse, run one command, and turn every end into an exit code.

The only place where an error becomes an exit code. What a command does stands in its own module,
how an error looks in `render/errors.py`. Heavy packages are imported by what needs them, not here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from reconciler import __version__
from reconciler.cli.arguments import rewritten
from reconciler.cli.group import TopCommand, global_options
from reconciler.cli.interrupts import interruptible
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, Interrupted, KeyrecError, UsageError

HELP = """Declare API keys in manifests, see the plan, apply it.

A new secret goes straight into the vault; no command ever shows one.
"""
EPILOG = "keyrec COMMAND --help says more about one command."


def top_command() -> TopCommand:
    """Give the command with everything that `keyrec --help` shows."""
    command = TopCommand(
        name="keyrec",
        help=HELP,
        epilog=EPILOG,
        params=global_options(from_environment=True),
        invoke_without_command=True,
        callback=_without_command,
        context_settings={
            "auto_envvar_prefix": "KEYREC",
            "help_option_names": ["-h", "--help"],
            "max_content_width": 100,
        },
    )
    return click.version_option(__version__, message="keyrec %(version)s")(command)


@click.pass_context
def _without_command(ctx: click.Context) -> ExitCode | None:
    """Show the help where no command is named; that is a usage error for scripts."""
    if ctx.invoked_subcommand is not None:
        return None
    click.echo(ctx.get_help(), err=True)
    return ExitCode.INVALID


def run(argv: Sequence[str]) -> int:
    """Run the command line and give its exit code; never raises."""
    session = Session()
    try:
        with interruptible():
            return _invoke(argv, session)
    except KeyrecError as error:
        return _refuse(error, session)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.INVALID
    except click.UsageError as error:
        return _refuse(_usage_error(error), session)
    except (KeyboardInterrupt, click.Abort):
        return _refuse(Interrupted("Interrupted."), session)
    except BrokenPipeError:
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the last line: an unexpected fault shows one line
        return _fail(error, session)


def _invoke(argv: Sequence[str], session: Session) -> int:
    answer = top_command().main(
        args=rewritten(argv), prog_name="keyrec", standalone_mode=False, obj=session
    )
    return answer if isinstance(answer, int) else ExitCode.DONE


def _usage_error(error: click.UsageError) -> UsageError:
    """Say in our words what click refuses; its own exit code 2 means changes here."""
    path = "keyrec" if error.ctx is None else error.ctx.command_path
    return UsageError(error.format_message(), advice=f"See {path} --help.")


def _refuse(error: KeyrecError, session: Session) -> int:
    from reconciler.cli.failures import write_error

    write_error(error, session)
    return error.exit_code


def _fail(error: Exception, session: Session) -> int:
    from reconciler.cli.failures import write_fault

    write_fault(error, session)
    return ExitCode.ERROR


def _let_go(stream: TextIO) -> None:
    """Flush, and point a stream whose reader is gone at nothing: Python flushes once more."""
    try:
        stream.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """Run `keyrec` and end the process."""
    code = run(sys.argv[1:])
    _let_go(sys.stdout)
    _let_go(sys.stderr)
    sys.exit(code)
