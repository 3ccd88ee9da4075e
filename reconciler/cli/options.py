"""Flags that several commands share, so that one name means one thing everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from reconciler.cli.session import Session

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_duration(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> timedelta | None:
    """Read `60s` or `14d`: a whole number and one of s, m, h, d."""
    if value is None:
        return None
    match = _DURATION.fullmatch(value)
    if match is None:
        raise click.BadParameter(
            "a duration is a whole number and one of s, m, h, d: 60s, 14d", ctx=ctx, param=param
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _remember_format(ctx: click.Context, _: click.Parameter, value: str) -> str:
    ctx.ensure_object(Session).format = value
    return value


def format_option(*choices: str) -> Decorator[Any]:
    """Take --format, one of the choices; text is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default="text",
        show_default=True,
        is_eager=True,
        callback=_remember_format,
        envvar="KEYREC_FORMAT",
        allow_from_autoenv=False,
        help="How the result is written.",
    )


PLAN_FORMS = ("text", "json", "markdown", "html", "sarif", "github", "gitlab")
"""How a plan can be written; drawn in `cli/plans`."""


def selection_options(command: Decorated) -> Decorated:
    """Take --target and --exclude."""
    target = click.option(
        "--target",
        multiple=True,
        metavar="GLOB",
        help="Look only at these addresses, such as payments/*; may be repeated.",
    )
    exclude = click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="Leave these addresses out; may be repeated.",
    )
    return target(exclude(command))


def plan_options(command: Decorated) -> Decorated:
    """Take what decides which plan is made."""
    revision = click.option(
        "--revision",
        metavar="REV",
        help="Read the manifests from this git revision instead of the working tree.",
    )
    removals = click.option(
        "--allow-removals",
        type=click.IntRange(min=0),
        metavar="N",
        allow_from_autoenv=False,
        help="State the exact number of keys that the plan ends, where a guard asks for it.",
    )
    return revision(selection_options(removals(command)))


def parallelism_option(command: Decorated) -> Decorated:
    """Take --parallelism."""
    return click.option(
        "--parallelism",
        type=click.IntRange(min=1, max=256),
        default=8,
        show_default=True,
        metavar="N",
        help="Requests on their way to the sink at once.",
    )(command)


def run_options(command: Decorated) -> Decorated:
    """Take how a run works."""
    patience = click.option(
        "--lock-timeout",
        callback=read_duration,
        default="60s",
        show_default=True,
        metavar="TIME",
        help="How long to wait for the lease of another run.",
    )
    return parallelism_option(patience(command))


def cache_option(command: Decorated) -> Decorated:
    """Take --no-cache."""
    return click.option(
        "--no-cache",
        is_flag=True,
        help="Read and judge everything anew. The result is the same; only the time is not.",
    )(command)


def detailed_option(command: Decorated) -> Decorated:
    """Take --detailed-exitcode."""
    return click.option(
        "--detailed-exitcode",
        is_flag=True,
        help="Exit with 2 where there are changes.",
    )(command)


name_argument = click.argument("name", metavar="NAME")
"""A key: `workspace/name`, or the name alone where only one workspace has it."""
