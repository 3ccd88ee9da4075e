"""What the store holds as files of manifests: one for each key, one for each other kind.

The rule that lives here: where each stands. What a record holds that no manifest can say (a name
of another form, imported by hand) is found by reading the files back (`judging.problems_alone`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.manifest.printing import body_tree, key_tree
from reconciler.manifest.yaml_text import yaml_text
from reconciler.model.keys import KeyRecord
from reconciler.model.resources import Body, ResourceKind
from reconciler.model.states import ObservedState
from reconciler.ports import ManifestFile

SEPARATOR = "---\n"
_FILES = {
    ResourceKind.POLICY: "keys/policy.yaml",
    ResourceKind.SCOPES: "keys/scopes.yaml",
    ResourceKind.WORKSPACE: "keys/workspaces.yaml",
    ResourceKind.NETWORK: "keys/networks.yaml",
}


def key_file(record: KeyRecord, observed: ObservedState) -> ManifestFile:
    """Give the manifest of a key; one that is not this manager's is marked to be adopted."""
    tree = key_tree(
        record.address,
        record.fields,
        workspace=observed.workspaces.get(record.address.workspace),
        template=observed.policy.sink.path,
        adopts=record.manager != observed.manager,
    )
    at = record.address
    return _file(f"keys/{at.workspace}/{at.name}.yaml", yaml_text(tree))


def resource_files(bodies: Mapping[ResourceKind, Sequence[Body]]) -> Iterator[ManifestFile]:
    """Give the manifests of what is declared beside keys, a file to each kind."""
    for kind, path in _FILES.items():
        texts = [yaml_text(body_tree(body)) for body in bodies.get(kind, ())]
        if texts:
            yield _file(path, SEPARATOR.join(texts))


def _file(path: str, text: str) -> ManifestFile:
    """Give a file; what is no text at all is left to the reader to refuse."""
    return ManifestFile(path=path, content=text.encode(errors="surrogatepass"))
