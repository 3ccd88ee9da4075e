"""Why a whole plan is refused (exit code 5), although every manifest in it is valid.

The rule is the ordered list `GUARDS`; every guard looks at the whole plan and gives all its
refusals. The policy that judges is the stored one. Who may apply is asked in
`apply/authorization.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from reconciler.model.keys import RESTORED_HOLD, KeyFields, KeyRecord, Rotation
from reconciler.planning.actions import Action, Reason
from reconciler.planning.judgement import GuardQuestion
from reconciler.planning.ownership import (
    busy_keys_are_not_adopted,
    foreign_keys_are_left_alone,
    foreign_resources_are_left_alone,
    paths_have_one_owner,
    workspaces_in_use_stay,
)
from reconciler.planning.plan import Refusal


def refusals(question: GuardQuestion) -> tuple[Refusal, ...]:
    """Give every reason why the plan may not be applied."""
    return tuple(refusal for guard in GUARDS for refusal in guard(question))


def nothing_is_declared(question: GuardQuestion) -> Iterator[Refusal]:
    """An empty folder is more likely a mistake than a wish to end every key."""
    request = question.request
    declared = request.desired.keys or request.desired.removals or request.desired.resources
    held = sum(1 for pair in question.pairs if pair.record is not None)
    if declared or not held or request.selection.targets:
        return
    yield Refusal(
        code="nothing-declared",
        message=f"no manifest was found, but the store holds {held} keys "
        f"of {request.desired.manager}",
        advice="check the folder, --chdir and `manifests` in keyrec.yaml",
    )


def too_many_removals(question: GuardQuestion) -> Iterator[Refusal]:
    """More than a few removals at once want their exact count stated."""
    count = len(question.endings)
    stated = question.request.allowed_removals
    if stated is not None and stated != count:
        yield Refusal(
            code="removal-count",
            message=f"--allow-removals says {stated}, but this plan ends {count} keys",
            advice=f"look at the plan again; --allow-removals {count} states its count",
        )
        return
    free = _free_removals(question)
    if stated is None and count > free:
        yield Refusal(
            code="too-many-removals",
            message=f"this plan ends {count} keys; the policy lets {free} pass without being told",
            advice="see whether a file or a folder of manifests is missing; if it is meant, state "
            f"the count: --allow-removals {count}",
        )


def _free_removals(question: GuardQuestion) -> int:
    """Give how many removals pass: the policy's number or its share, but always one."""
    guards = question.request.observed.policy.guards
    # 29 of 100 keys are 0.29 of them, whatever binary fractions make of it.
    share = int(round(guards.max_removal_share * len(question.request.observed.live), 6))
    return min(guards.max_removals, max(1, share))


def protected_keys_stay(question: GuardQuestion) -> Iterator[Refusal]:
    """Protection is stored with the key: its end takes an apply of its own."""
    for change in question.endings:
        if change.record is not None and change.record.fields.protected:
            yield Refusal(
                code="protected",
                message=f"{change.address} is protected in the store",
                advice="apply `protected: false` first, and end the key with the apply after it",
                address=change.address,
                source=change.source,
            )


def holds_are_respected(question: GuardQuestion) -> Iterator[Refusal]:
    """A held key is not replaced, renamed, moved or pruned around its hold."""
    for change in question.changes:
        record = change.record
        if record is None or record.hold is None:
            continue
        moves = change.secret is not None and change.secret.left_path is not None
        evades = moves or {Action.REISSUE, Action.RENAME} & set(change.actions)
        pruned = Action.REMOVE in change.actions and change.reason is Reason.UNDECLARED
        if pruned and record.hold.reason == RESTORED_HOLD:
            continue  # a person had removed it; the hold was to last until now
        if evades or pruned:
            yield Refusal(
                code="held",
                message=f"{record.address} is on hold: {record.hold.reason}",
                advice=f"keyrec release {record.address} first, "
                "or remove it for good by a KeyRemoval",
                address=change.address,
                source=change.source,
            )


def held_names_are_not_taken_again(question: GuardQuestion) -> Iterator[Refusal]:
    """A key that was removed while it was held does not come back as a new one."""
    for change in question.changes:
        spec = change.spec
        if spec is None or Action.CREATE not in change.actions:
            continue
        if spec.address in question.request.observed.removed_held:
            yield Refusal(
                code="held",
                message=f"{spec.address} was on hold when it was removed",
                advice=f"keyrec release {spec.address} first, or choose another name",
                address=change.address,
                source=spec.source,
            )


def renames_are_said(question: GuardQuestion) -> Iterator[Refusal]:
    """One key gone and one equal key new is more likely a rename than two decisions."""
    gone: defaultdict[tuple[str, KeyFields], list[KeyRecord]] = defaultdict(list)
    for change in question.changes:
        if change.reason is Reason.UNDECLARED and change.record is not None:
            record = change.record
            gone[record.address.workspace, _identity(record.fields)].append(record)
    for change in question.changes:
        spec = change.spec
        if not gone or spec is None or Action.CREATE not in change.actions:
            continue
        alike = gone.get((spec.address.workspace, _identity(spec.fields)))
        if alike:
            match = alike.pop(0)
            yield Refusal(
                code="suspected-rename",
                message=f"{match.address} is gone and {spec.address} is new with the same fields",
                advice=f"for a rename, write in its metadata: previousName: {match.address.name}; "
                f"if they are two keys, declare a KeyRemoval for {match.address}",
                address=change.address,
                source=spec.source,
            )


def _identity(fields: KeyFields) -> KeyFields:
    """Give the fields with everything levelled that a rename changes or that says little."""
    return replace(
        fields, sink_path="", rotation=Rotation(), active=True, protected=False, reissue=1
    )


GUARDS: tuple[Callable[[GuardQuestion], Iterator[Refusal]], ...] = (
    nothing_is_declared,
    too_many_removals,
    protected_keys_stay,
    holds_are_respected,
    held_names_are_not_taken_again,
    foreign_keys_are_left_alone,
    busy_keys_are_not_adopted,
    foreign_resources_are_left_alone,
    paths_have_one_owner,
    workspaces_in_use_stay,
    renames_are_said,
)
