"""Every error that keyrec raises on purpose, with its exit code and one piece of advice.

The rule that lives here: which trouble ends with which exit code. Only `cli/main.py` turns an
error into a process exit; everything else raises or returns values. An error holds facts, one
sentence and one advice, never a secret and never the text of a request.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process says when it ends (design: exit codes; stable, documented)."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    INVALID = 3
    PARTIAL = 4
    REFUSED = 5
    DIFFERS = 6
    LOCKED = 7
    DECLINED = 8
    INTERRUPTED = 130


class KeyrecError(Exception):
    """The root of all expected errors; never raised itself."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR
    word: ClassVar[str] = "error"
    """The error's name in JSON output."""
    transient: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        """Hold one sentence that says what is wrong and one that says what to do."""
        super().__init__(message)
        self.message = message
        self.advice = advice


class UsageError(KeyrecError):
    """The command line asks for something that cannot be."""

    exit_code = ExitCode.INVALID
    word = "usage"


class ConfigInvalid(KeyrecError):
    """`keyrec.yaml`, the environment or a flag holds a value that cannot be used."""

    exit_code = ExitCode.INVALID
    word = "config_invalid"


class ManifestsInvalid(KeyrecError):
    """At least one manifest is refused; the problems travel beside as values."""

    exit_code = ExitCode.INVALID
    word = "manifests_invalid"

    def __init__(self, message: str, *, problems: tuple[object, ...], advice: str = "") -> None:
        """Keep the problems (`reconciler.model.source.Problem`), sorted by position."""
        super().__init__(message, advice=advice)
        self.problems = problems


class SourceUnavailable(KeyrecError):
    """Manifests cannot be read: no such folder, no git, no such revision."""

    word = "source_unavailable"


class StoreUnavailable(KeyrecError):
    """The key store cannot be reached or did not answer; nothing was committed."""

    word = "store_unavailable"
    transient = True


class StoreOutdated(KeyrecError):
    """The store's tables are missing, older or newer than this program."""

    word = "store_outdated"


class CommitUnknown(KeyrecError):
    """The store did not say whether a transaction was committed; run it again with the same id."""

    word = "commit_unknown"
    transient = True


class LeaseLost(KeyrecError):
    """Another run took the lease, or it ran out: this run can commit nothing any more."""

    exit_code = ExitCode.LOCKED
    word = "lease_lost"


class Locked(KeyrecError):
    """Another run holds the lease."""

    exit_code = ExitCode.LOCKED
    word = "locked"
    transient = True


class SinkUnavailable(KeyrecError):
    """The sink did not take the request: unreachable, sealed, rate limited; nothing was written."""

    word = "sink_unavailable"
    transient = True

    def __init__(self, message: str, *, advice: str = "", retry_after: float | None = None) -> None:
        """`retry_after`: seconds the sink asked us to wait, where it said so."""
        super().__init__(message, advice=advice)
        self.retry_after = retry_after


class SinkOutcomeUnknown(KeyrecError):
    """A request was sent to the sink and no trustworthy answer came: it may have been done."""

    word = "sink_outcome_unknown"
    transient = True


class SinkDenied(KeyrecError):
    """The sink refused for want of rights; nothing was written."""

    word = "sink_denied"


class SinkMisconfigured(KeyrecError):
    """The sink is not what the policy pins, or is set up so that keys would be lost."""

    word = "sink_misconfigured"


class LoginFailed(KeyrecError):
    """No token could be had from the sink's login."""

    word = "login_failed"


class HashingFailed(KeyrecError):
    """A key cannot be hashed or checked: a damaged stored hash, a missing pepper, no memory."""

    word = "hashing_failed"


class VerifierMisused(KeyrecError):
    """A verifier is used where it cannot work: in another process than it was opened in."""

    word = "verifier_misused"


class Refused(KeyrecError):
    """A guard, a rule, protection, authorization or a missing approval refuses the whole run."""

    exit_code = ExitCode.REFUSED
    word = "refused"


class IdentityRefused(Refused):
    """The stored policy wants an identity token, and the one there is is not believed."""

    word = "identity_refused"


class IdentityMissing(IdentityRefused):
    """The stored policy wants an identity token, and there is none."""

    word = "identity_missing"


class StoreBehindAnchor(Refused):
    """The sink remembers what the store does not hold: it was restored, cut or replaced."""

    word = "store_behind_anchor"


class PlanDiffers(KeyrecError):
    """The plan made now is not the one that was approved."""

    exit_code = ExitCode.DIFFERS
    word = "plan_differs"

    def __init__(self, message: str, *, plan: object, advice: str = "") -> None:
        """Keep the plan made now (`reconciler.planning.plan.Plan`), to be compared and shown."""
        super().__init__(message, advice=advice)
        self.plan = plan


class PlanFileInvalid(KeyrecError):
    """A saved plan cannot be read: not ours, of another major version, or damaged."""

    exit_code = ExitCode.INVALID
    word = "plan_file_invalid"


class NotFound(KeyrecError):
    """No key of that name, or more than one."""

    word = "not_found"


class Declined(KeyrecError):
    """The person at the prompt said no."""

    exit_code = ExitCode.DECLINED
    word = "declined"


class Interrupted(KeyrecError):
    """Ctrl-C or SIGTERM: what was under way was reported, the next run finishes it."""

    exit_code = ExitCode.INTERRUPTED
    word = "interrupted"
