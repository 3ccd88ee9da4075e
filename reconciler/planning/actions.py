"""The closed sets of planning: what is done to a key or resource, and why."""

from __future__ import annotations

from enum import StrEnum

from reconciler.model.audit import BY_HAND


class Action(StrEnum):
    """What apply does. A change may hold several, in this order."""

    ADOPT = "adopt"
    CREATE = "create"
    REISSUE = "reissue"
    RENAME = "rename"
    UPDATE = "update"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    ROTATE = "rotate"
    REMOVE = "remove"
    NO_OP = "no-op"

    @property
    def sign(self) -> str:
        """Give the sign that people see; the word always stands beside it."""
        return _SIGNS[self]

    @property
    def makes_secret(self) -> bool:
        """Whether a new secret always goes with it (a rename makes one where its path changes)."""
        return self in {Action.CREATE, Action.REISSUE, Action.ROTATE}


_SIGNS = {
    Action.ADOPT: "&",
    Action.CREATE: "+",
    Action.REISSUE: "±",
    Action.RENAME: ">",
    Action.UPDATE: "~",
    Action.ACTIVATE: "^",
    Action.DEACTIVATE: "v",
    Action.ROTATE: "@",
    Action.REMOVE: "-",
    Action.NO_OP: " ",
}


class Reason(StrEnum):
    """Why an action was chosen."""

    DECLARED = "declared"
    """A manifest declares what the store does not hold."""
    FIELDS_DIFFER = "fields-differ"
    GENERATION_RAISED = "generation-raised"
    REISSUE_RAISED = "reissue-raised"
    RENAMED = "renamed"
    SINK_PATH_CHANGED = "sink-path-changed"
    REMOVAL_DECLARED = "removal-declared"
    UNDECLARED = "undeclared"
    """A manifest disappeared, and the policy says what that means."""
    ROTATION_DUE = "rotation-due"
    SINK_CHANGED = "sink-changed"
    """The policy names another sink than the one that holds the current secret."""
    RECIPIENT_REMOVED = "recipient-removed"
    """Somebody who can read the current secret is no longer trusted with it."""
    NO_LIVE_VERSION = "no-live-version"
    """No version of the key is accepted any more: leaked, or its operation ended without one."""
    SINK_PATH_DELETED = "sink-path-deleted"
    """Nothing can be read at the key's path any more: somebody deleted it."""
    SINK_ROLLED_BACK = "sink-rolled-back"
    """The path holds another one of the key's own secrets than the current one."""
    STORE_RESTORED = "store-restored"
    """The store came back from an older copy: none of its secrets is trusted as before."""
    OVERLAP_PASSED = "overlap-passed"
    """A replaced secret was promised to work until now."""
    UNUSED = "unused"
    """Verifiers saw no more use of a replaced secret, for as long as its overlap."""
    ENDED = "secret-ended"
    """The secret of a copy is accepted no more."""
    LEAKED = "leaked"
    """Somebody who should not have it may have the secret."""
    REQUESTED = BY_HAND
    """A person asked for it at the command line."""


class MaintenanceKind(StrEnum):
    """What time brings; approved by the manifests that asked for it."""

    RESUME = "resume"
    """An open operation that an earlier run did not finish."""
    ROTATE = "rotate"
    RETIRE = "retire"
    """A replaced secret whose overlap has passed."""
    DESTROY = "destroy"
    """A retired secret whose copy is still in the sink."""
    REPAIR = "repair"
    """A path in the sink that was changed outside, and that only a person can decide about."""
