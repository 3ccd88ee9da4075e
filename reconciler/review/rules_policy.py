"""AK116, AK120 to AK122: changes of what is trusted, and of who may change what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reconciler.model.policy import AuthorizationMode, HashProfile, Policy, Prune
from reconciler.model.severity import Severity
from reconciler.model.waivers import Waiver
from reconciler.model.workspaces import Workspace
from reconciler.planning.plan import Change
from reconciler.review.custody import place_of, shown
from reconciler.review.rule import Declared
from reconciler.review.said import Said
from reconciler.review.scene import Scene


def _policies(scene: Scene) -> Iterator[tuple[Change, Policy, Policy]]:
    """Give a changed policy with what it was."""
    for change in scene.plan.changes:
        if isinstance(change.body, Policy):
            yield change, scene.policy, change.body


WEAKER: tuple[tuple[str, Callable[[Policy, Policy], bool]], ...] = (
    (
        "principals are known by the operating system's word instead of an issuer's",
        lambda old, new: (
            old.authorization is AuthorizationMode.OIDC
            and new.authorization is AuthorizationMode.LOCAL
        ),
    ),
    (
        "an issuer of identities is added or changed",
        lambda old, new: not set(new.issuers) <= set(old.issuers),
    ),
    (
        "a disappeared manifest removes keys",
        lambda old, new: new.prune is Prune.REMOVE and old.prune is not Prune.REMOVE,
    ),
    (
        "a disappeared manifest ends nothing, its key goes on working",
        lambda old, new: new.prune is Prune.IGNORE and old.prune is not Prune.IGNORE,
    ),
    (
        "more removals pass without being counted",
        lambda old, new: (
            new.guards.max_removals > old.guards.max_removals
            or new.guards.max_removal_share > old.guards.max_removal_share
        ),
    ),
    (
        "more expirations are allowed",
        lambda old, new: not set(new.expirations) <= set(old.expirations),
    ),
    (
        "fewer findings fail a plan",
        lambda old, new: new.review.fail_on.rank < old.review.fail_on.rank,
    ),
    (
        "secrets are hashed at a lower cost",
        lambda old, new: old.hashing is HashProfile.OWASP and new.hashing is HashProfile.TOKEN,
    ),
)
"""What makes a policy weaker, in words, each with the question."""


def _milder_rules(scene: Scene, old: Policy, new: Policy) -> Iterator[str]:
    """Name the rules whose findings are less grave than before, or are not made any more."""
    places = {(s.rule, s.workspace) for s in (*old.review.severities, *new.review.severities)}
    for rule, workspace in sorted(places, key=str):
        before = _graveness(scene, old, rule, workspace)
        now = _graveness(scene, new, rule, workspace)
        if any(b is not None and _is_milder(n, b) for b, n in zip(before, now, strict=True)):
            place = "" if workspace is None else f" in {workspace}"
            word = "off" if now[1] is None else f"at most {now[1].value}"
            yield f"{rule}{place} is {word} instead of {_word(before[1])}"


def _is_milder(now: Severity | None, before: Severity) -> bool:
    return now is None or now.rank > before.rank


def _word(severity: Severity | None) -> str:
    return "off" if severity is None else severity.value


def _graveness(
    scene: Scene, policy: Policy, rule: str, workspace: str | None
) -> tuple[Severity | None, Severity | None]:
    """Give how grave a rule's usual and its gravest findings are under a policy."""
    usual, gravest = scene.defaults.get(rule, (Severity.CRITICAL, Severity.CRITICAL))
    severity_of = policy.review.severity_of
    return severity_of(rule, workspace, usual), severity_of(rule, workspace, gravest)


@Declared(
    id="AK116",
    of_keys=False,
    title="A policy is weakened, or a waiver added",
    severity=Severity.HIGH,
    why="What judges the next plans judges them more mildly. Nothing of it helps this plan: policy "
    "and waivers count from the next apply on.",
    mend="Review it by itself, before the change that it is for.",
)
def policy_weakened(scene: Scene) -> Iterator[Said]:
    """The next plan is judged more mildly."""
    for change, old, new in _policies(scene):
        for words, is_weaker in WEAKER:
            if is_weaker(old, new):
                yield scene.of_change(change, f"becomes weaker: {words}")
        milder = list(_milder_rules(scene, old, new))
        if milder:
            yield scene.of_change(change, f"becomes weaker: {', '.join(milder)}")
    for change in scene.plan.changes:
        if isinstance(change.body, Waiver):
            waiver = change.body
            yield scene.of_change(
                change,
                f"accepts {waiver.rule} for {waiver.key} until {waiver.expires.isoformat()}: "
                f"{waiver.reason}",
            )


@Declared(
    id="AK120",
    of_keys=False,
    title="The policy changes",
    severity=Severity.HIGH,
    why="The policy says what is trusted; only platform admins may apply it.",
    mend="Have the security team approve it.",
)
def policy_changes(scene: Scene) -> Iterator[Said]:
    """Any change of the policy."""
    for change, _, _ in _policies(scene):
        names = ", ".join(field.name for field in change.fields)
        yield scene.of_change(change, f"changes {names}")


@Declared(
    id="AK121",
    of_keys=False,
    title="Who may change keys changes",
    severity=Severity.HIGH,
    why="Admins decide about keys, and platform admins about everything.",
    mend="Have those approve it who answer for the workspace, and see that everybody left is "
    "still needed.",
)
def bindings_change(scene: Scene) -> Iterator[Said]:
    """Platform admins or a workspace's admins are others than before."""
    for change, old, new in _policies(scene):
        yield from _bindings(
            scene, change, "platform admin", old.platform_admins, new.platform_admins
        )
    for change in scene.plan.changes:
        before, after = change.body_before, change.body
        if isinstance(before, Workspace) or isinstance(after, Workspace):
            old_admins = before.admins if isinstance(before, Workspace) else ()
            new_admins = after.admins if isinstance(after, Workspace) else ()
            yield from _bindings(scene, change, "admin", old_admins, new_admins)


def _bindings(
    scene: Scene, change: Change, what: str, old: Iterable[str], new: Iterable[str]
) -> Iterator[Said]:
    added, removed = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    if added:
        yield scene.of_change(change, f"makes {', '.join(added)} {what}")
    if removed:
        yield scene.of_change(
            change, f"{', '.join(removed)} is {what} no more", severity=Severity.MEDIUM
        )


@Declared(
    id="AK122",
    of_keys=False,
    title="Somebody else can read new secrets",
    severity=Severity.HIGH,
    why="A recipient decrypts every secret that is written from then on; another sink is read by "
    "whoever its own rules allow.",
    mend="Verify the public key with its owner by another way; move to another sink on purpose "
    "and alone.",
    practice="Store it in a secure vault, never in source code.",
)
def custody_widens(scene: Scene) -> Iterator[Said]:
    """A recipient is added, or secrets go to another sink."""
    for change, old, new in _policies(scene):
        added = set(map(shown, new.sink.recipients)) - set(map(shown, old.sink.recipients))
        if added and old.sink.kind is new.sink.kind:
            words = ", ".join(sorted(added))
            yield scene.of_change(change, f"lets {words} read every new secret")
        if place_of(old) != place_of(new):
            yield scene.of_change(
                change, f"sends every secret to {place_of(new)} instead of {place_of(old)}"
            )
