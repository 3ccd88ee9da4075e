"""Who owns which folder of manifests, as the store knows it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.bootstrap.exporting import readable
from reconciler.errors import NotFound, UsageError
from reconciler.manifest.printed import resource_files
from reconciler.model.resources import ResourceKind
from reconciler.model.workspaces import Principal, Workspace
from reconciler.ports import KeyStore


def stored_workspaces(
    store: KeyStore, manager: str, named: Sequence[Principal]
) -> tuple[Workspace, ...]:
    """Give all workspaces of the store, whoever declares them.

    Raises:
        NotFound: there are none.
        UsageError: one of the named principals is no admin of any.
        ManifestsInvalid: a name in the store is what no manifest can say.
    """
    workspaces = tuple(store.observe(manager).workspaces.values())
    if not workspaces:
        raise NotFound("The store holds no workspace.", advice="Apply one first: kind Workspace.")
    readable(tuple(resource_files({ResourceKind.WORKSPACE: workspaces})))
    admins = {admin for workspace in workspaces for admin in workspace.admins}
    unknown = sorted(set(named) - admins)
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no admin of a workspace.",
            advice=f"Those of the store are: {', '.join(sorted(admins)) or 'none'}.",
        )
    return workspaces
