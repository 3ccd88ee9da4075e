"""Hypothesis strategies: names, declared things, and whole manifests as the plain values of YAML.

A manifest strategy gives what a legal document holds; `text_of` prints documents as YAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from hypothesis import strategies as st

from reconciler.manifest.schema_lists import NETWORK_PREFIX
from reconciler.manifest.secret_text import looks_secret
from reconciler.model.keys import KeySpec
from reconciler.model.lifetime import Expiration, format_duration
from reconciler.model.scopes import BUILT_IN_CATALOG

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)
ENVIRONMENTS = st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True)
DURATIONS = st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 400), st.sampled_from("mhd"))
EXPIRATIONS = st.sampled_from([e.value for e in Expiration])
WORDS = (
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF), min_size=1, max_size=40)
    .map(lambda text: "".join(c for c in text if c.isprintable()).strip())
    .filter(lambda text: bool(text) and not looks_secret(text))
)
"""One line of free text."""

RANGES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=4, network="198.51.0.0/16").map(lambda a: f"{a}/32"),
    st.integers(0, 255).map(lambda n: f"10.{n}.0.0/16"),
    st.integers(0, 0xFFFF).map(lambda n: f"2001:db8:{n:x}::/48"),
)

GRANTS = st.dictionaries(
    st.sampled_from([name for name, _ in BUILT_IN_CATALOG.resources]), st.none(), max_size=4
).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {name: st.sampled_from(BUILT_IN_CATALOG.levels(name)) for name in chosen}
    )
)


def _rotations() -> st.SearchStrategy[dict[str, Any]]:
    """Schedules whose overlap fits."""
    return st.one_of(
        st.fixed_dictionaries({}, optional={"generation": st.integers(1, 99)}),
        st.fixed_dictionaries(
            {"every": st.just("30d"), "overlap": st.sampled_from(["24h", "90m"])}
        ),
    )


@st.composite
def api_keys(draw: st.DrawFn, name: str | None = None, workspace: str | None = None) -> Any:
    """Draw one legal ApiKey manifest that refers to nothing but the built-in catalogue."""
    metadata = draw(
        st.fixed_dictionaries(
            {
                "name": NAMES if name is None else st.just(name),
                "workspace": NAMES if workspace is None else st.just(workspace),
            },
            optional={
                "owner": WORDS,
                "description": WORDS,
                "labels": st.dictionaries(NAMES, WORDS, max_size=3),
            },
        )
    )
    spec = draw(
        st.fixed_dictionaries(
            {"environment": ENVIRONMENTS, "scopes": GRANTS},
            optional={
                "allowlist": st.lists(RANGES, min_size=1, max_size=4),
                "expiration": EXPIRATIONS,
                "active": st.booleans(),
                "protected": st.booleans(),
                "rotation": _rotations(),
                "reissue": st.integers(1, 9),
            },
        )
    )
    return {"apiVersion": "keyrec/v1", "kind": "ApiKey", "metadata": metadata, "spec": spec}


@st.composite
def repositories(draw: st.DrawFn) -> list[Any]:
    """Draw legal documents that fit together, in any order."""
    addresses = draw(
        st.lists(st.tuples(st.sampled_from(["payments", "search"]), NAMES), unique=True, max_size=5)
    )
    keys = [draw(api_keys(name=name, workspace=workspace)) for workspace, name in addresses]
    network = {
        "apiVersion": "keyrec/v1",
        "kind": "NetworkSet",
        "metadata": {"name": "ci-runners"},
        "spec": {"ranges": draw(st.lists(RANGES, min_size=1, max_size=4))},
    }
    workspace = {
        "apiVersion": "keyrec/v1",
        "kind": "Workspace",
        "metadata": {"name": "payments"},
        "spec": {
            "admins": ["local:alice"],
            "defaults": {
                "owner": "team-payments",
                "allowlist": [{"network": "ci-runners"}, draw(RANGES)],
            },
        },
    }
    return draw(st.permutations([*keys, network, workspace]))


def text_of(documents: Iterable[Mapping[str, Any]]) -> str:
    """Print documents as YAML, in their order, without anchors."""
    return yaml.dump_all(documents, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Never writes an alias, whatever is shared."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def manifest_of(spec: KeySpec) -> dict[str, Any]:
    """Print one declared key as its manifest, every field named."""
    fields, rotation = spec.fields, spec.fields.rotation
    metadata: dict[str, Any] = {
        "name": spec.address.name,
        "workspace": spec.address.workspace,
        "previousName": spec.previous_name,
        "owner": fields.owner,
        "description": fields.description,
        "labels": dict(fields.labels),
    }
    body: dict[str, Any] = {
        "environment": fields.environment,
        "scopes": {grant.resource: grant.level for grant in fields.scopes},
        "allowlist": None if fields.allowlist is None else [_entry(e) for e in fields.allowlist],
        "expiration": fields.expiration.value,
        "active": fields.active,
        "protected": fields.protected,
        "rotation": _present(
            {
                "generation": rotation.generation,
                "every": None if rotation.every is None else format_duration(rotation.every),
                "overlap": format_duration(rotation.overlap),
            }
        ),
        "reissue": fields.reissue,
        "secret": {"path": fields.sink_path},
    }
    return {
        "apiVersion": "keyrec/v1",
        "kind": "ApiKey",
        "metadata": _present(metadata),
        "spec": _present(body),
    }


def _entry(entry: str) -> Any:
    if entry.startswith(NETWORK_PREFIX):
        return {"network": entry.removeprefix(NETWORK_PREFIX)}
    return entry


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
