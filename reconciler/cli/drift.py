"""`keyrec drift`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option, parallelism_option, selection_options
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@selection_options
@parallelism_option
@format_option("text", "json")
@click.pass_obj
def command(
    session: Session,
    *,
    target: tuple[str, ...],
    exclude: tuple[str, ...],
    parallelism: int,
    form: str,
) -> ExitCode:
    """Compare store and sink with what was last applied.

    Changes nothing, reads no manifest and needs no lease; the right to read the sink's metadata
    is enough. Where secrets may be read each is proven by its hash, and never shown. Exits with 2
    where something was changed outside, with 1 where a path could not be looked at;
    `keyrec apply --maintenance` mends what may be mended. -v also names the keys left out.
    """
    from reconciler.bootstrap.wishes import RunTerms
    from reconciler.planning.selection import Selection
    from reconciler.render.drift import drift_json, drift_text

    selection = Selection(targets=target, excludes=exclude)
    with session.workplace() as place:
        comparison = place.compare(selection, RunTerms(parallelism=parallelism))
    code = comparison.exit_code
    if form == "json":
        session.show(drift_json(comparison, code))
    else:
        session.show(drift_text(comparison, session.style, verbose=session.verbosity > 0))
    return code
