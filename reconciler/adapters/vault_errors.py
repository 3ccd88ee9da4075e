"""Which error of the port a trouble becomes, with which advice.

What matters most is the difference between "definitely not done" and "nobody knows": only requests
that change something have the second one.
"""

from __future__ import annotations

from reconciler.adapters.vault_answers import Failure, Trouble
from reconciler.errors import (
    KeyrecError,
    SinkDenied,
    SinkMisconfigured,
    SinkOutcomeUnknown,
    SinkUnavailable,
)

TRANSIENT = frozenset(
    {
        Trouble.NOT_SENT,
        Trouble.LOST,
        Trouble.UPGRADING,
        Trouble.LATE_NODE,
        Trouble.RATE_LIMITED,
        Trouble.STANDBY_NODE,
        Trouble.SERVER,
    }
)
"""After which a read may be tried again within seconds."""
_UNKNOWN_AFTER_WRITE = frozenset(
    {Trouble.LOST, Trouble.NOT_VAULT, Trouble.SERVER, Trouble.LATE_NODE}
)


def error_of(failure: Failure, doing: str, *, changes: bool = False) -> KeyrecError:
    """Give the error for a failed request; `doing` says what was asked, such as `writing a/b`.

    `changes`: whether the request, once sent, may have changed something.
    """
    if changes and failure.trouble in _UNKNOWN_AFTER_WRITE:
        return SinkOutcomeUnknown(
            f"Nobody knows whether {doing} was done: {_what(failure)}.",
            advice="Run again; keyrec looks at the path before it writes anything.",
        )
    match failure.trouble:
        case Trouble.DENIED:
            return SinkDenied(
                f"Vault denied {doing}.",
                advice="The token has ended, or its policy lacks this right; see "
                "examples/policies/vault/ for the policies that keyrec needs.",
            )
        case Trouble.BAD_REQUEST | Trouble.CONFLICT | Trouble.ABSENT | Trouble.NO_ROUTE:
            return SinkMisconfigured(f"Vault refused {doing}: {_what(failure)}.", advice=_MOUNT)
        case Trouble.NOT_WRITTEN:
            return SinkMisconfigured(
                f"Vault cannot be asked for {doing}: {_what(failure)}.", advice=_HEADERS
            )
        case Trouble.REDIRECT if failure.status not in {307, 308}:
            return SinkMisconfigured(f"Vault refused {doing}: {_what(failure)}.", advice=_ADDRESS)
        case _:
            return SinkUnavailable(
                f"Vault could not be used for {doing}: {_what(failure)}.",
                advice=_advice(failure.trouble),
                retry_after=failure.retry_after,
            )


_MOUNT = "Check the policy's mount: it has to be a KV engine, version 2."
_ADDRESS = "Set VAULT_ADDR to Vault itself: the active node, or a load balancer that forwards."
_HEADERS = (
    "Check the token (VAULT_TOKEN, or its file) and VAULT_NAMESPACE for tabs, line breaks and "
    "characters that no header can hold."
)


def _advice(trouble: Trouble) -> str:
    match trouble:
        case Trouble.SEALED:
            return "Unseal Vault, then run again."
        case Trouble.RATE_LIMITED:
            return "Run again later, or with less parallelism (VAULT_RATE_LIMIT, --parallelism)."
        case Trouble.REDIRECT | Trouble.RECOVERY_NODE | Trouble.STANDBY_NODE | Trouble.NOT_VAULT:
            return _ADDRESS
        case Trouble.NOT_SENT:
            return "Check VAULT_ADDR, the network and the certificates (VAULT_CACERT)."
        case Trouble.UPGRADING:
            return "The mount was made a moment ago; run again in a few seconds."
        case _:
            return "Run again."


def _what(failure: Failure) -> str:
    return _WORDS[failure.trouble].format(reason=failure.reason, status=failure.status)


_WORDS = {
    Trouble.NOT_SENT: "no connection, {reason}",
    Trouble.NOT_WRITTEN: "the token or the namespace cannot be written into a request",
    Trouble.LOST: "no answer, {reason}",
    Trouble.NOT_VAULT: "the answer is not Vault's; something else answers at this address",
    Trouble.REDIRECT: "it points to {reason} ({status}), which is not followed",
    Trouble.CONFLICT: "the path is at another version",
    Trouble.UPGRADING: "the engine is still being set up",
    Trouble.BAD_REQUEST: "status {status}",
    Trouble.DENIED: "denied",
    Trouble.ABSENT: "there is nothing there",
    Trouble.NO_ROUTE: "there is no such mount",
    Trouble.LATE_NODE: "the node is not up to date (412)",
    Trouble.RATE_LIMITED: "too many requests (429)",
    Trouble.RECOVERY_NODE: "the node is a disaster recovery secondary (472)",
    Trouble.STANDBY_NODE: "the node is a performance standby (473)",
    Trouble.SEALED: "it is sealed",
    Trouble.SERVER: "status {status}",
}
