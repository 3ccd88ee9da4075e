"""`keyrec init`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.option(
    "--sink",
    type=click.Choice(["age", "vault"]),
    help="Where secrets go.  [default: age, or what the store's policy says]",
)
@click.option(
    "--manager",
    metavar="NAME",
    help="Ownership mark of this repository.  [default: from the folder's name]",
)
@click.option(
    "--vault-mount",
    metavar="MOUNT",
    default="secret",
    show_default=True,
    help="With --sink vault: the KV version 2 mount.",
)
@click.option(
    "--vault-prefix",
    metavar="PATH",
    default="keyrec",
    show_default=True,
    help="With --sink vault: the path below the mount that holds all keys.",
)
@click.pass_obj
def command(
    session: Session, *, sink: str | None, manager: str | None, vault_mount: str, vault_prefix: str
) -> ExitCode:
    """Make configuration, store, sink and a first key.

    Asks nothing and can be run again: what is there is kept. The store's first policy names you
    as platform admin and pins the sink. The age identity is made outside of the repository;
    Vault is reached by VAULT_ADDR and a login of the environment or of keyrec.yaml.
    """
    from reconciler.bootstrap.first_steps import InitWish, first_steps
    from reconciler.model.policy import SinkKind
    from reconciler.render.style import escape

    wish = InitWish(
        sink=None if sink is None else SinkKind(sink),
        manager=manager,
        vault_mount=vault_mount,
        vault_prefix=vault_prefix,
    )
    for step in first_steps(session.config, wish):
        note = f"  ({escape(step.note)})" if step.note else ""
        session.show(f"{'made' if step.made else 'kept'}  {escape(step.subject)}{note}")
    session.say("\nNext: keyrec plan, then keyrec apply.")
    return ExitCode.DONE
