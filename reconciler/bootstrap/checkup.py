"""`doctor`: one check after the other, each with what to do. Reads only, and raises nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from reconciler.apply.anchor import look_at_anchor, require_agreement
from reconciler.apply.authorization import is_admin_of_anything, is_platform_admin, may_change
from reconciler.apply.prepare import known_to
from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import Configuration, find_configuration
from reconciler.bootstrap.first_steps import has_policy
from reconciler.errors import IdentityMissing, KeyrecError
from reconciler.manifest.desired import read_desired
from reconciler.model.canonical import instant
from reconciler.model.policy import AuthorizationMode
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import Principal
from reconciler.ports import CheckResult, KeyStore, SecretSink

LARGEST_SKEW = timedelta(seconds=5)
"""More between this machine and the database is worth a word; decisions use the database's."""


def checkup(config: str | None) -> tuple[CheckResult, ...]:
    """Check everything as far as it can be reached."""
    return tuple(_checkup(config))


def _checkup(config: str | None) -> Iterator[CheckResult]:
    try:
        configuration = find_configuration(config)
    except KeyrecError as error:
        yield _failed("configuration", error)
        return
    settings = configuration.settings
    message = f"{configuration.path}, manager {settings.manager}"
    yield CheckResult(name="configuration", passed=True, message=message)
    for warning in settings.vault.warnings:
        yield CheckResult(name="configuration", passed=False, message=warning)
    try:
        store = doors.open_store(settings)
    except KeyrecError as error:
        yield _failed("store", error)
        return
    with closing(store):
        yield from _store_checks(store, configuration)


def _store_checks(store: KeyStore, configuration: Configuration) -> Iterator[CheckResult]:
    try:
        store.check()
        observed = store.observe(configuration.settings.manager)
    except KeyrecError as error:
        yield _failed("store", error)
        return
    kept = len(observed.live)
    message = f"reached, its tables are of this version, {kept} keys of this manager"
    yield CheckResult(name="store", passed=True, message=message)
    yield _clock(observed, is_file=doors.is_file(configuration.settings))
    yield _policy(observed)
    yield from _rights(store, configuration, observed)
    yield _guarded("manifests", lambda: _manifests(configuration, observed))
    yield from _sink(store, configuration, observed)


def _clock(observed: ObservedState, *, is_file: bool) -> CheckResult:
    name = "clock"
    if is_file:
        return CheckResult(name=name, passed=True, message="the store uses this machine's clock")
    skew = abs(doors.clock().now() - observed.read_at)
    seconds = f"{skew.total_seconds():.1f} s"
    if skew <= LARGEST_SKEW:
        message = f"this machine and the database differ by {seconds}"
        return CheckResult(name=name, passed=True, message=message)
    return CheckResult(
        name=name,
        passed=False,
        message=f"this machine and the database differ by {seconds}; the database says "
        f"{instant(observed.read_at)}",
        advice="set both by NTP: expirations and overlaps go by the database's clock",
    )


def _policy(observed: ObservedState) -> CheckResult:
    if has_policy(observed):
        admins = ", ".join(observed.policy.platform_admins) or "nobody"
        message = f"platform admin: {admins}"
        return CheckResult(name="policy", passed=True, message=message)
    return CheckResult(
        name="policy",
        passed=False,
        message="the store holds no policy, so nobody may apply anything",
        advice="run `keyrec init`",
    )


def _rights(
    store: KeyStore, configuration: Configuration, observed: ObservedState
) -> Iterator[CheckResult]:
    """Say who is known, and what they may do; no token to know somebody by is no fault."""
    name = "identity"
    try:
        known = doors.known(configuration.settings, observed.policy, store.now)
    except IdentityMissing as missing:
        message = f"{missing.message} Plans work, and nothing is applied"
        yield CheckResult(name=name, passed=True, message=message, advice=missing.advice)
        return
    except KeyrecError as error:
        yield _failed(name, error)
        return
    yield CheckResult(name=name, passed=True, message=f"{known.principal}, {known.source}")
    yield _rights_of(known.principal, observed)
    if observed.policy.authorization is AuthorizationMode.LOCAL and observed.policy.issuers:
        yield _before_the_move(store, configuration, observed)


def _before_the_move(
    store: KeyStore, configuration: Configuration, observed: ObservedState
) -> CheckResult:
    """Say who would be known by a token, while the store still is in mode `local`."""
    moved = replace(observed.policy, authorization=AuthorizationMode.OIDC)
    try:
        known = doors.known(configuration.settings, moved, store.now)
        message = f"{known.principal} in mode oidc, {known.source}"
    except KeyrecError as error:
        message = f"nobody in mode oidc. {error.message}"
    return CheckResult(name="identity", passed=True, message=message)


def _rights_of(principal: Principal, observed: ObservedState) -> CheckResult:
    if is_platform_admin(principal, observed):
        message = f"{principal} may apply everything"
    elif is_admin_of_anything(principal, observed):
        names = sorted(n for n in observed.workspaces if may_change(principal, n, observed))
        message = f"{principal} may change the keys of {', '.join(names)}"
    else:
        message = f"{principal} may plan and look, and apply nothing"
    return CheckResult(name="rights", passed=True, message=message)


def _manifests(configuration: Configuration, observed: ObservedState) -> CheckResult:
    settings = configuration.settings
    files = tuple(doors.open_source(settings).files())
    read = read_desired(files, manager=settings.manager, known=known_to(observed))
    if not isinstance(read, tuple):
        message = f"{len(files)} files, {len(read.keys)} keys declared"
        return CheckResult(name="manifests", passed=True, message=message)
    message = f"{len(read)} problems, the first at {read[0].where}"
    return CheckResult(
        name="manifests", passed=False, message=message, advice="`keyrec validate` shows them all"
    )


def _sink(
    store: KeyStore, configuration: Configuration, observed: ObservedState
) -> Iterator[CheckResult]:
    policy = observed.policy
    with closing(doors.open_sink_or_say_why(configuration.settings, policy)) as sink:
        pinned = _guarded("sink", lambda: _pinned(sink.identity(), policy.sink.identity))
        yield pinned
        if not pinned.passed:
            return  # further questions want a login: nothing is shown to a server nobody trusts
        try:
            yield from sink.preflight()
        except KeyrecError as error:
            yield _failed("sink", error)
            return
        yield _guarded("anchor", lambda: _anchor(store, sink, observed))


def _anchor(store: KeyStore, sink: SecretSink, observed: ObservedState) -> CheckResult:
    """Compare the store with what the sink remembers; an error says that they do not agree."""
    seen = look_at_anchor(sink, observed)
    require_agreement(seen, store, observed)
    message = "none yet; the next apply writes it"
    if seen.anchor is not None:
        message = f"the store holds what the sink remembers, event {seen.anchor.head.sequence}"
    return CheckResult(name="anchor", passed=True, message=message)


def _pinned(found: str, pinned: str | None) -> CheckResult:
    if found == pinned:
        return CheckResult(name="sink", passed=True, message=f"{found}, as the policy pins it")
    return CheckResult(
        name="sink",
        passed=False,
        message=f"this is {found}, the policy pins {pinned or 'none'}",
        advice="check the sink's address in keyrec.yaml, or change spec.sink.identity in the "
        "Policy as platform admin",
    )


def _guarded(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    try:
        return check()
    except KeyrecError as error:
        return _failed(name, error)


def _failed(name: str, error: KeyrecError) -> CheckResult:
    return CheckResult(name=name, passed=False, message=error.message, advice=error.advice)
