"""Rules about one key beside everything else: each a function that yields what is wrong.

What a single field may hold is the schema's; rules about two documents of the same name or place
stand in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.manifest.assembly import Assembly
from reconciler.manifest.closest import closest, listed, suggestion
from reconciler.manifest.codes import Code
from reconciler.manifest.defaults import KeyDraft
from reconciler.manifest.schema_lists import NETWORK_PREFIX
from reconciler.manifest.snippets import quoted
from reconciler.manifest.tree import Fault, Path
from reconciler.model.lifetime import Expiration, format_duration
from reconciler.model.sink_path import is_under_workspace, path_fault


def workspace_exists(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """A key's workspace is declared, or exists in the store."""
    fault = missing_workspace(key.address.workspace, assembly)
    if fault is not None:
        yield fault


def missing_workspace(name: str, assembly: Assembly) -> Fault | None:
    """Say that a document's workspace exists nowhere; without a store nobody can know."""
    if assembly.known is None or name in assembly.workspaces:
        return None
    if assembly.is_refused("Workspace", name):
        return None
    mend = f"declare it: kind: Workspace with metadata.name: {name}"
    return Fault(
        path=("metadata", "workspace"),
        code=Code.UNKNOWN_WORKSPACE,
        message=f"there is no workspace {quoted(name)}",
        advice=suggestion(name, assembly.workspaces, otherwise=mend),
    )


def networks_exist(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """Networks in an allowlist are declared or stored, and are for all or of the workspace."""
    workspace, own = key.address.workspace, key.declared.allowlist
    if own is not None:
        for index, entry in enumerate(own):
            at: Path = ("spec", "allowlist", index)
            yield from missing_network(entry, workspace, assembly, at)
        return
    for entry in key.allowlist or ():
        for fault in missing_network(entry, workspace, assembly, ()):
            yield Fault(
                path=("metadata", "workspace"),
                code=fault.code,
                message=f"the workspace's default allowlist is of no use: {fault.message}",
                advice=fault.advice,
            )


def missing_network(entry: str, workspace: str, assembly: Assembly, at: Path) -> Iterator[Fault]:
    """Say that an allowlist entry names a network that is not there for the workspace."""
    name = entry.removeprefix(NETWORK_PREFIX)
    if name == entry or assembly.network(name, workspace) is not None:
        return
    if assembly.is_refused("NetworkSet", name) or assembly.is_refused(
        "NetworkSet", name, workspace
    ):
        return
    owners = sorted(w for w, n in assembly.networks if n == name and w is not None)
    usable = [n for w, n in assembly.networks if w in {None, workspace}]
    if owners:
        yield Fault(
            path=at,
            code=Code.FOREIGN_NETWORK,
            message=f"the network {quoted(name)} belongs to the workspace {owners[0]}",
            advice=suggestion(
                name,
                usable,
                otherwise="use a network of this workspace, or one without a workspace",
            ),
        )
    elif assembly.known is not None:
        mend = f"declare it: kind: NetworkSet with metadata.name: {name}"
        yield Fault(
            path=at,
            code=Code.UNKNOWN_NETWORK,
            message=f"there is no network {quoted(name)}",
            advice=suggestion(name, usable, otherwise=mend),
        )


def scopes_exist(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """Every scope is in the catalogue, with that level.

    Offline, a word that resembles none may be one of the store's catalogue; planning asks again.
    """
    if assembly.is_refused("ScopeCatalog", "default"):
        return
    resources = dict(assembly.catalog.resources)
    for resource, level in key.declared.scopes:
        levels = resources.get(resource)
        if levels is None:
            if assembly.known is None and closest(resource, resources) is None:
                continue
            yield Fault(
                path=("spec", "scopes", resource),
                code=Code.UNKNOWN_SCOPE,
                message=f"there is no scope {quoted(resource)}",
                advice=suggestion(resource, resources, otherwise=f"there are {listed(resources)}"),
                at_key=True,
            )
        elif level not in levels:
            yield Fault(
                path=("spec", "scopes", resource),
                code=Code.UNKNOWN_LEVEL,
                message=f"{resource} has no level {quoted(level)}",
                advice=f"choose one of {listed(levels)}",
            )


def expiration_is_allowed(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """The expiration is one that the policy allows."""
    allowed = assembly.policy.expirations
    if key.expiration in allowed or _is_default_unknown(key, assembly):
        return
    declared = key.declared.expiration is not None
    silent = not declared and key.expiration is Expiration.NONE
    yield Fault(
        path=("spec", "expiration"),
        code=Code.EXPIRATION_NOT_ALLOWED,
        message="no expiration is declared, and the policy does not allow none"
        if silent
        else f"the policy does not allow the expiration {quoted(key.expiration.value)}",
        advice=f"choose one of {listed(allowed)}",
    )


def overlap_fits(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """The previous secret ends before the next one comes."""
    if key.every is None or key.overlap <= key.every or _is_default_unknown(key, assembly):
        return
    declared = key.declared.overlap is not None
    at: Path = ("spec", "rotation", "overlap" if declared else "every")
    yield overlap_fault(at, key.every, key.overlap)


def overlap_fault(path: Path, every: timedelta, overlap: timedelta) -> Fault:
    """Word an overlap that is longer than the schedule."""
    return Fault(
        path=path,
        code=Code.OVERLAP_TOO_LONG,
        message=f"the overlap of {format_duration(overlap)} is longer than "
        f"the schedule of {format_duration(every)}",
        advice=f"write overlap: {format_duration(every)} or less",
    )


def path_is_own(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """The secret's path stays under the workspace's own prefix, and is a path."""
    del assembly
    workspace, path = key.address.workspace, key.sink_path
    if not is_under_workspace(path, workspace):
        yield Fault(
            path=("spec", "secret", "path"),
            code=Code.PATH_OUTSIDE_WORKSPACE,
            message=f"{quoted(path)} is outside of the workspace's prefix",
            advice=f"start the path with {workspace}/",
        )
    elif key.declared.path is None and path_fault(path) is not None:
        yield Fault(
            path=("metadata", "name"),
            code=Code.BAD_PATH,
            message=f"the policy's template gives no path for this key: {path_fault(path)}",
            advice="write spec.secret.path",
        )


def previous_name_is_another(key: KeyDraft, assembly: Assembly) -> Iterator[Fault]:
    """A key is renamed from another name than its own."""
    del assembly
    if key.declared.previous_name == key.address.name:
        yield Fault(
            path=("metadata", "previousName"),
            code=Code.PREVIOUS_NAME,
            message="this is the key's own name",
            advice="write the name it had before, or take previousName out",
        )


def _is_default_unknown(key: KeyDraft, assembly: Assembly) -> bool:
    """Whether the defaults or the policy were refused themselves, so that nothing can be said."""
    return assembly.is_refused("Workspace", key.address.workspace) or (
        assembly.known is None and assembly.is_refused("Policy", "default")
    )


KEY_RULES = (
    workspace_exists,
    networks_exist,
    scopes_exist,
    expiration_is_allowed,
    overlap_fits,
    path_is_own,
    previous_name_is_another,
)
