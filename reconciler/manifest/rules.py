"""The rules across documents, as one ordered list; every rule is a function that yields faults.

Rules about one key beside everything else stand in `rules_keys`, those about the policy in
`rules_policy`. A new rule is one function, one code, one row in the list and one in the table of
refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from reconciler.manifest.assembly import Assembly, Declaration
from reconciler.manifest.codes import Code
from reconciler.manifest.rules_keys import (
    KEY_RULES,
    missing_network,
    missing_workspace,
    overlap_fault,
)
from reconciler.manifest.rules_policy import POLICY_RULES
from reconciler.manifest.schema import Identity
from reconciler.manifest.schema_policy import PolicyWire
from reconciler.manifest.schema_removals import KeyRemovalWire
from reconciler.manifest.schema_shared import NetworkSetWire, ScopeCatalogWire, WorkspaceWire
from reconciler.manifest.snippets import quoted, shown
from reconciler.manifest.tree import Fault
from reconciler.model.keys import KeyAddress

Found: TypeAlias = "tuple[Declaration, Fault]"
Rule: TypeAlias = Callable[[Assembly], Iterator[Found]]


def judge_together(assembly: Assembly) -> Iterator[Found]:
    """Give everything that is wrong between documents, rule by rule."""
    for rule in RULES:
        yield from rule(assembly)


def names_are_unique(assembly: Assembly) -> Iterator[Found]:
    """Nothing is declared twice."""
    first: dict[Identity, Declaration] = {}
    for declaration in assembly.declarations:
        identity = declaration.identity
        if identity is None:
            continue
        before = first.setdefault(identity, declaration)
        if before is not declaration:
            fault = Fault(
                path=("metadata", "name"),
                code=Code.DUPLICATE_NAME,
                message=f"{shown(str(identity))} is already declared at {before.source}",
                advice="keep one of the two, or give this one another name",
            )
            yield declaration, fault


def removed_keys_are_not_declared(assembly: Assembly) -> Iterator[Found]:
    """A KeyRemoval does not stand beside an ApiKey of the same name."""
    declared = {d.identity: d for d in assembly.declarations if d.identity is not None}
    for declaration, wire in assembly.declared(KeyRemovalWire):
        at = wire.metadata
        key = declared.get(Identity(kind="ApiKey", name=at.name, workspace=at.workspace))
        if key is not None:
            fault = Fault(
                path=("metadata", "name"),
                code=Code.REMOVED_AND_DECLARED,
                message=f"{shown(str(key.identity))} is still declared at {key.source}",
                advice="take one of the two out: the ApiKey to remove the key, "
                "this KeyRemoval to keep it or to declare the name again",
            )
            yield declaration, fault


def keys_fit(assembly: Assembly) -> Iterator[Found]:
    """Every rule about one key holds for every key."""
    for declaration, draft in assembly.drafts:
        for rule in KEY_RULES:
            for fault in rule(draft, assembly):
                yield declaration, fault


def previous_names_are_free(assembly: Assembly) -> Iterator[Found]:
    """The name that a key had is declared no more, and claimed by one key alone."""
    declared = {draft.address: declaration for declaration, draft in assembly.drafts}
    claimed: dict[KeyAddress, Declaration] = {}
    for declaration, draft in assembly.drafts:
        previous = draft.declared.previous_name
        if previous is None or previous == draft.address.name:
            continue
        address = KeyAddress(workspace=draft.address.workspace, name=previous)
        other, said = declared.get(address), "still declared"
        if other is None:
            other, said = claimed.setdefault(address, declaration), "also the previous name"
        if other is not declaration:
            fault = Fault(
                path=("metadata", "previousName"),
                code=Code.PREVIOUS_NAME,
                message=f"{address} is {said} at {other.source}",
                advice="a renamed key has one manifest, under its new name",
            )
            yield declaration, fault


def paths_are_unshared(assembly: Assembly) -> Iterator[Found]:
    """No two keys write to one place."""
    first: dict[str, tuple[Declaration, KeyAddress]] = {}
    for declaration, draft in assembly.drafts:
        before, address = first.setdefault(draft.sink_path, (declaration, draft.address))
        if address != draft.address:
            own = draft.declared.path is not None
            fault = Fault(
                path=("spec", "secret", "path") if own else ("metadata", "name"),
                code=Code.PATH_SHARED,
                message=f"the path {quoted(draft.sink_path)} belongs to {address} "
                f"at {before.source}",
                advice="give each key a path of its own in spec.secret.path",
            )
            yield declaration, fault


def networks_have_a_workspace(assembly: Assembly) -> Iterator[Found]:
    """The workspace that owns a network is declared, or exists in the store."""
    for declaration, wire in assembly.declared(NetworkSetWire):
        name = wire.metadata.workspace
        fault = None if name is None else missing_workspace(name, assembly)
        if fault is not None:
            yield declaration, fault


def workspace_defaults_fit(assembly: Assembly) -> Iterator[Found]:
    """The defaults of a workspace are of use: known networks, an overlap within the schedule."""
    for declaration, wire in assembly.declared(WorkspaceWire):
        defaults, rotation = wire.spec.defaults, wire.spec.defaults.rotation
        for index, entry in enumerate(defaults.allowlist or ()):
            at = ("spec", "defaults", "allowlist", index)
            for fault in missing_network(entry, wire.metadata.name, assembly, at):
                yield declaration, fault
        every, overlap = rotation.every, rotation.overlap
        if every is not None and overlap is not None and overlap > every:
            path = ("spec", "defaults", "rotation", "overlap")
            yield declaration, overlap_fault(path, every, overlap)


def levels_are_distinct(assembly: Assembly) -> Iterator[Found]:
    """A resource has each level once."""
    for declaration, wire in assembly.declared(ScopeCatalogWire):
        for resource, levels in wire.spec.resources.items():
            for index, level in enumerate(levels):
                if level in levels[:index]:
                    fault = Fault(
                        path=("spec", "resources", resource, index),
                        code=Code.DUPLICATE_ITEM,
                        message=f"{resource} has the level {quoted(level)} already",
                        advice="name each level once, the weakest first",
                    )
                    yield declaration, fault


def policies_fit(assembly: Assembly) -> Iterator[Found]:
    """Every rule about the policy holds."""
    for declaration, wire in assembly.declared(PolicyWire):
        for rule in POLICY_RULES:
            for fault in rule(wire, assembly):
                yield declaration, fault


RULES: Final[tuple[Rule, ...]] = (
    names_are_unique,
    removed_keys_are_not_declared,
    keys_fit,
    previous_names_are_free,
    paths_are_unshared,
    networks_have_a_workspace,
    workspace_defaults_fit,
    levels_are_distinct,
    policies_fit,
)
