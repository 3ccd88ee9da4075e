"""What a changed resource does to the keys that it touches.

A changed network changes the keys whose allowlists name it: they stand in the plan as changes of
their own. A changed catalogue changes what grants mean, without any change of a key. Admins of a
workspace may change all its keys; recipients and the place of the policy's sink are the custody of
all keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.policy import Policy
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.verdict import Assessment, Dimension, Shift, assessed
from reconciler.model.workspaces import NetworkSet, Workspace
from reconciler.planning.plan import Change
from reconciler.review.custody import custodians
from reconciler.review.identities import identity_shift
from reconciler.review.origins import gained_words, lost_words
from reconciler.review.privilege import grant_words
from reconciler.review.scene import Scene


def assess_resource(change: Change, scene: Scene) -> Assessment:
    """Give what the change of one resource does."""
    before = change.body_before
    after = change.body
    if isinstance(before, Policy) or isinstance(after, Policy):
        return _policy(change, scene)
    if isinstance(before, Workspace) or isinstance(after, Workspace):
        return _workspace(change, scene)
    if isinstance(before, NetworkSet) or isinstance(after, NetworkSet):
        return _network(change, scene)
    if isinstance(before, ScopeCatalog) or isinstance(after, ScopeCatalog):
        return _catalog(change, scene)
    return assessed(change.thing, ())


def _policy(change: Change, scene: Scene) -> Assessment:
    old, new = scene.policy, change.body
    if not isinstance(new, Policy):
        return assessed(change.thing, ())
    shifts = (
        _set_shift(Dimension.CUSTODY, custodians(old), custodians(new)),
        _joined(
            _set_shift(Dimension.ADMINS, old.platform_admins, new.platform_admins),
            identity_shift(old, new),
        ),
    )
    is_touched = any(shift.gained or shift.lost for shift in shifts)
    touched = tuple(str(address) for address in sorted(scene.observed.live)) if is_touched else ()
    return assessed(change.thing, shifts, touched=touched)


def _workspace(change: Change, scene: Scene) -> Assessment:
    before = change.body_before
    old = before.admins if isinstance(before, Workspace) else ()
    new = change.body.admins if isinstance(change.body, Workspace) else ()
    name = change.address.partition("/")[2]
    keys = scene.keys_of.get(name, frozenset())
    shift = _set_shift(Dimension.ADMINS, old, new)
    touched = tuple(sorted(keys)) if shift.gained or shift.lost else ()
    return assessed(change.thing, (shift,), touched=touched)


def _network(change: Change, scene: Scene) -> Assessment:
    before = change.body_before
    old = before.ranges if isinstance(before, NetworkSet) else ()
    new = change.body.ranges if isinstance(change.body, NetworkSet) else ()
    body = change.body if isinstance(change.body, NetworkSet) else before
    touched = (
        () if not isinstance(body, NetworkSet) else tuple(sorted(scene.network_users.of(body)))
    )
    if not touched:
        return assessed(change.thing, ())  # no key that is looked at uses it
    shift = Shift(
        dimension=Dimension.ORIGINS,
        gained=gained_words(new, old),
        lost=lost_words(new, old),
    )
    return assessed(change.thing, (shift,), touched=touched)


def _catalog(change: Change, scene: Scene) -> Assessment:
    """Give what grants mean now that meant something else; the keys themselves stay as they are."""
    found = scene.meanings
    shift = Shift(
        dimension=Dimension.SCOPES,
        gained=grant_words(found.gained),
        lost=grant_words(found.lost),
    )
    keys = "1 key" if len(found.losing) == 1 else f"{len(found.losing)} keys"
    words = f"requests of {keys} are denied at once: {', '.join(shift.lost)}"
    return assessed(
        change.thing,
        (shift,),
        disruptions=(words,) if shift.lost else (),
        touched=tuple(sorted({*found.gaining, *found.losing})),
    )


def _joined(one: Shift, other: Shift) -> Shift:
    return replace(one, gained=one.gained + other.gained, lost=one.lost + other.lost)


def _set_shift(dimension: Dimension, old: Iterable[str], new: Iterable[str]) -> Shift:
    return Shift(
        dimension=dimension,
        gained=tuple(sorted(set(new) - set(old))),
        lost=tuple(sorted(set(old) - set(new))),
    )
