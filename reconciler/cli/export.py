"""`keyrec export`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import selection_options
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, UsageError


@click.command(cls=KeyrecCommand)
@selection_options
@click.option(
    "--manager",
    metavar="NAME",
    allow_from_autoenv=False,
    help="The keys of this manager instead of your own.",
)
@click.option(
    "--unmanaged", is_flag=True, allow_from_autoenv=False, help="The keys that nobody manages."
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    allow_from_autoenv=False,
    help="The keys of all managers and of nobody.",
)
@click.option(
    "--with-resources",
    is_flag=True,
    help="Also the policy, scope catalogue, workspaces and networks of the same managers.",
)
@click.option(
    "--out",
    metavar="DIR",
    help="Write files into this folder, keys/WORKSPACE/NAME.yaml; nothing is written over.",
)
@click.option(
    "--codeowners",
    is_flag=True,
    help="Print CODEOWNERS lines instead: each workspace's folder and its admins.",
)
@click.option(
    "--handle",
    multiple=True,
    metavar="PRINCIPAL=@HANDLE",
    help="With --codeowners: what an admin is called on the forge; may be repeated.",
)
@click.pass_obj
def command(
    session: Session,
    *,
    target: tuple[str, ...],
    exclude: tuple[str, ...],
    manager: str | None,
    unmanaged: bool,
    everything: bool,
    with_resources: bool,
    out: str | None,
    codeowners: bool,
    handle: tuple[str, ...],
) -> ExitCode:
    """Print manifests of the keys that the store holds.

    What silence would say is left out. Planning them finds nothing to do; keys of other managers
    and of nobody are marked with `adopt: true`, and planning them takes the keys over. Removed
    keys are not exported. The secrets stay where they are: a manifest has no place for one.

    With --codeowners: one line for each workspace of the store, whoever declares it. An admin
    `local:NAME` has no handle but the one that is given; without one a comment says so.
    """
    from pathlib import Path

    from reconciler.bootstrap.exporting import ExportWish, Owners, exported, write_new
    from reconciler.manifest.printed import SEPARATOR
    from reconciler.planning.selection import Selection

    if codeowners or handle:
        others = (manager, unmanaged, everything, with_resources, out, target, exclude)
        return _show_codeowners(session, handle, is_alone=codeowners and not any(others))
    if [manager is not None, unmanaged, everything].count(True) > 1:
        raise UsageError(
            "--manager, --unmanaged and --all exclude each other.", advice="Give one of them."
        )
    with session.workplace() as place:
        ours = place.settings.manager
        named = None if unmanaged else manager or ours
        wish = ExportWish(
            owners=Owners(managers=None if everything else frozenset({named})),
            selection=Selection(targets=target, excludes=exclude),
            with_resources=with_resources,
        )
        files = exported(place.store, ours, wish)
    if out is None:
        session.show(SEPARATOR.join(file.content.decode() for file in files))
        return ExitCode.DONE
    for path in write_new(files, Path(out)):
        session.show(str(path))
    return ExitCode.DONE


def _show_codeowners(session: Session, given: tuple[str, ...], *, is_alone: bool) -> ExitCode:
    """Print who owns which folder.

    Raises:
        UsageError: flags that mean something else, or a handle that is none.
    """
    from reconciler.bootstrap.owning import stored_workspaces
    from reconciler.cli.handles import read_handles
    from reconciler.render.codeowners import codeowners_text

    if not is_alone:
        raise UsageError(
            "--codeowners takes --handle and no flag that selects keys; --handle needs it.",
            advice="Write keyrec export --codeowners --handle local:alice=@alice",
        )
    handles = read_handles(given)
    with session.workplace() as place:
        workspaces = stored_workspaces(place.store, place.settings.manager, tuple(handles))
    session.show(codeowners_text(workspaces, handles))
    return ExitCode.DONE
