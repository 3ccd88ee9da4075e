"""`keyrec init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.session import Session
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.bootstrap.first_steps import Step


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
@click.option(
    "--store-form",
    type=click.IntRange(min=1),
    metavar="N",
    allow_from_autoenv=False,
    help="Only bring the key store's tables back to this older form, before an older keyrec is "
    "used again; for platform admins.",
)
@click.pass_obj
def command(
    session: Session,
    *,
    sink: str | None,
    manager: str | None,
    vault_mount: str,
    vault_prefix: str,
    store_form: int | None,
) -> ExitCode:
    """Make configuration, store, sink and a first key.

    Asks nothing and can be run again: what is there is kept. The store's first policy names you
    as platform admin and pins the sink. The age identity is made outside of the repository;
    Vault is reached by VAULT_ADDR and a login of the environment or of keyrec.yaml.
    """
    from reconciler.bootstrap.first_steps import InitWish, bring_store_back, first_steps
    from reconciler.model.policy import SinkKind

    if store_form is not None:
        step = bring_store_back(session.config, store_form)
        session.show(_line(step))
        return ExitCode.DONE
    wish = InitWish(
        sink=None if sink is None else SinkKind(sink),
        manager=manager,
        vault_mount=vault_mount,
        vault_prefix=vault_prefix,
    )
    for step in first_steps(session.config, wish):
        session.show(_line(step))
    session.say("\nNext: keyrec plan, then keyrec apply.")
    return ExitCode.DONE


def _line(step: Step) -> str:
    from reconciler.render.style import escape

    note = f"  ({escape(step.note)})" if step.note else ""
    return f"{'made' if step.made else 'kept'}  {escape(step.subject)}{note}"
