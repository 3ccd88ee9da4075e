"""`keyrec audit`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from reconciler.cli.group import CommandFamily, KeyrecCommand
from reconciler.cli.options import format_option, run_options
from reconciler.cli.session import Session
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.model.chain import Head

_HEAD = re.compile(r"([0-9]{1,18})[ :](?:sha256:)?([0-9a-f]{64})")


@click.group(cls=CommandFamily)
def command() -> None:
    """Verify the audit chain, or acknowledge that the store was restored."""


def _read_heads(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[Head, ...]:
    from reconciler.model.chain import Head

    heads = []
    for value in values:
        match = _HEAD.fullmatch(value)
        if match is None:
            raise click.BadParameter(
                "a head is what an apply prints: the number, a colon and the hash of 64 digits",
                ctx=ctx,
                param=param,
            )
        heads.append(Head(sequence=int(match[1]), hash=match[2]))
    return tuple(heads)


@command.command(cls=KeyrecCommand)
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="NUMBER:HASH",
    callback=_read_heads,
    allow_from_autoenv=False,
    help="A head that an apply printed; the chain has to hold it. May be repeated.",
)
@click.option(
    "--no-sink",
    is_flag=True,
    allow_from_autoenv=False,
    help="Do not ask the sink what it remembers.",
)
@format_option("text", "json")
@click.pass_obj
def verify(session: Session, *, heads: tuple[Head, ...], no_sink: bool, form: str) -> ExitCode:
    """Walk the audit chain from its first event and name the first that is not as it was.

    Also compares the chain with the anchor in the sink, where that can be read: a chain that was
    cut with its head, or written anew as a whole, is found by what was kept elsewhere alone. Ends
    with 1 where anything is wrong.
    """
    from reconciler.bootstrap.auditing import verification
    from reconciler.render.audit import verification_json, verification_text

    with session.workplace() as place:
        found = verification(place, heads, with_sink=not no_sink)
    if form == "json":
        session.show(verification_json(found))
    else:
        session.show(verification_text(found, session.style))
    return ExitCode.DONE if found.is_whole else ExitCode.ERROR


@command.command(cls=KeyrecCommand)
@click.option(
    "--rotate-all",
    "answer",
    flag_value="rotate-all",
    default=None,
    allow_from_autoenv=False,
    help="Give every key of this repository a new secret: trust nothing that may be known.",
)
@click.option(
    "--accept",
    "answer",
    flag_value="accept",
    allow_from_autoenv=False,
    help="Keep the secrets as they are in the store.",
)
@click.option(
    "--auto-approve",
    is_flag=True,
    allow_from_autoenv=False,
    help="Do not ask.",
)
@run_options
@format_option("text", "json")
@click.pass_obj
def acknowledge(
    session: Session,
    *,
    answer: str | None,
    auto_approve: bool,
    parallelism: int,
    lock_timeout: timedelta,
    form: str,
) -> ExitCode:
    """Say what is to become of a store that is older than its anchor; a platform admin may.

    Shows what was forgotten. The secrets that the anchor lists as ended for a leak or a removal
    are ended again first. Then either every key gets a new secret, or the store is accepted as it
    is, and apply works again. Safe to run again after it was interrupted.
    """
    from reconciler.bootstrap.wishes import RunTerms
    from reconciler.cli.acknowledging import Acknowledging

    terms = RunTerms(parallelism=parallelism, lock_timeout=lock_timeout)
    acknowledging = Acknowledging(session=session, form=form, terms=terms, asks=not auto_approve)
    return acknowledging.carry_out(answer)
