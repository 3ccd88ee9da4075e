"""`keyrec schema`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--out",
    metavar="DIR",
    help="Write schemas into this folder instead: all of them, or the named one.",
)
@click.pass_obj
def command(session: Session, *, name: str | None, out: str | None) -> ExitCode:
    """Print a JSON Schema, for editors and checks of your own.

    NAME is a kind (ApiKey), a file's name (api-key), or plan, the form of `keyrec plan -o`;
    without it, the schema of every manifest. An editor finds it by the first line of a manifest:
    `# yaml-language-server: $schema=...`.
    """
    from reconciler.cli.schemas import named_schemas, write_schemas

    found = named_schemas(name, everything=out is not None)
    if out is None:
        session.show("".join(found.values()))
    else:
        for path in write_schemas(found, out):
            session.show(path)
    return ExitCode.DONE
