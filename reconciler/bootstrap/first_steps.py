"""`init`: everything that a first plan needs, made once and kept when it is there.

Safe to run twice, and after a run that was interrupted: each step looks first. What is trusted is
seeded into an empty store only; a store that has a policy keeps it. The way back to an older form
of the tables is here too; it is a platform admin's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reconciler.apply.authorization import is_platform_admin
from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import (
    Configuration,
    configuration_path,
    find_configuration,
)
from reconciler.bootstrap.first_files import config_text, manager_from, with_ignored
from reconciler.bootstrap.first_manifests import first_manifests
from reconciler.bootstrap.first_sink import FirstSink, first_sink, sink_words
from reconciler.bootstrap.workplace import Workplace
from reconciler.config import environment
from reconciler.errors import ConfigInvalid, Refused
from reconciler.model.policy import Policy, SinkKind
from reconciler.model.resources import Resource, address_of
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import Principal
from reconciler.ports import KeyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class InitWish:
    """What the first policy shall pin, where the store has none yet."""

    sink: SinkKind | None = None
    """None: age, or what the store's policy says."""
    manager: str | None = None
    """None: made from the folder's name."""
    vault_mount: str
    vault_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that `init` made, or found and kept."""

    subject: str
    made: bool
    note: str = ""


def first_steps(config: str | None, wish: InitWish) -> Iterator[Step]:
    """Make what is missing; each step is given when it is done.

    Raises:
        KeyrecError: a step cannot be done; those before it stand, and the next run goes on.
    """
    yield _configure(configuration_path(config), wish)
    configuration = find_configuration(config)
    yield _ignore(configuration.root)
    with closing(doors.open_store(configuration.settings)) as store:
        made = store.migrate()
        yield Step(subject="key store", made=made, note="its tables are those of this version")
        yield from _trust(store, configuration, wish)
        observed = store.observe(configuration.settings.manager)
    for path, text in first_manifests(configuration, observed):
        _write(path, text)
        yield Step(subject=_shown(path, configuration.root), made=True)


def bring_store_back(config: str | None, form: int) -> Step:
    """Bring the key store's tables back to an older form.

    Raises:
        StoreOutdated, ConfigInvalid: there is nothing to bring back, or no such form.
        IdentityRefused, Refused: whoever asks is nobody, or no platform admin.
    """
    with Workplace(find_configuration(config), stop=threading.Event()) as workplace:
        actor = _platform_admin(workplace)
        made = workplace.store.bring_back(form, actor=actor)
    return Step(subject="key store", made=made, note=f"its tables are of form {form}")


def _platform_admin(workplace: Workplace) -> Principal:
    """Give who runs this, a platform admin; anybody where no policy names one yet."""
    observed = workplace.observe()
    principal = workplace.principal(observed)
    if has_policy(observed) and not is_platform_admin(principal, observed):
        raise Refused(
            f"{principal} is no platform admin in the store.",
            advice="The way back loses what only the newer form can say; ask a platform admin.",
        )
    return principal


def _configure(path: Path, wish: InitWish) -> Step:
    if path.exists():
        return Step(subject=str(path), made=False)
    manager = wish.manager or manager_from(path.absolute().parent.name)
    text = config_text(
        manager=manager,
        kind=wish.sink or SinkKind.AGE,
        vault_address=environment().get("VAULT_ADDR") or environment().get("BAO_ADDR"),
    )
    _write(path, text)
    return Step(subject=str(path), made=True, note=f"keys of this repository belong to {manager}")


def _ignore(root: Path) -> Step:
    path = root / ".gitignore"
    text = with_ignored(path.read_text(encoding="utf-8") if path.exists() else "")
    if text is not None:
        _write(path, text)
    note = "store and secrets under .keyrec/ stay out of git"
    return Step(subject=path.name, made=text is not None, note=note)


def _trust(store: KeyStore, configuration: Configuration, wish: InitWish) -> Iterator[Step]:
    """Seed the first policy with the sink that it pins; a stored one stays as it is."""
    observed = store.observe(configuration.settings.manager)
    if has_policy(observed):
        sink = observed.policy.sink
        if wish.sink not in {None, sink.kind}:
            raise ConfigInvalid(
                f"The store's policy names {sink.kind.value} as its sink; init cannot change that.",
                advice="Change spec.sink in the Policy's manifest and apply it as platform admin.",
            )
        yield Step(subject="policy/default", made=False, note=sink_words(sink))
        return
    found = first_sink(
        configuration,
        kind=wish.sink or SinkKind.AGE,
        mount=wish.vault_mount,
        prefix=wish.vault_prefix,
    )
    yield from (Step(subject=s, made=made, note=note) for s, made, note in found.steps)
    yield _seed(store, configuration, found)


def _seed(store: KeyStore, configuration: Configuration, found: FirstSink) -> Step:
    principal = doors.principal()
    policy = Policy(platform_admins=(principal,), sink=found.policy)
    resource = Resource(
        address=address_of(policy), body=policy, manager=configuration.settings.manager
    )
    made = store.seed(resource, actor=principal)
    note = f"platform admin {principal}; {sink_words(found.policy)}"
    return Step(subject="policy/default", made=made, note=note)


def has_policy(observed: ObservedState) -> bool:
    """Whether the store holds a policy, the default apart."""
    return any(isinstance(r.body, Policy) for r in observed.resources)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigInvalid(
            f"{path} cannot be written: {error.strerror}.", advice="Check the rights of its folder."
        ) from None


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
