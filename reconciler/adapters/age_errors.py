"""What the file system's refusals mean for a sink: which error, with which advice."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from reconciler.adapters.age_files import NotOurs, Unsettled
from reconciler.errors import (
    KeyrecError,
    SinkDenied,
    SinkMisconfigured,
    SinkOutcomeUnknown,
    SinkUnavailable,
)

_DENIED = {
    errno.EACCES: "Give keyrec's user the right to write there.",
    errno.EPERM: "Give keyrec's user the right to write there.",
    errno.EROFS: "Mount it for writing, or name another folder in sink.age.directory.",
}
_PASSING = {
    errno.ENOSPC: "Make room on the disk and run again.",
    errno.EDQUOT: "Make room within the quota and run again.",
    errno.ETIMEDOUT: "Let the other keyrec go on, or end it if it is stopped (fuser names it); "
    "then run again.",
}
_NOT_A_FOLDER = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


@contextlib.contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn what goes wrong at a sink path into the port's errors; no content is ever in them."""
    try:
        yield
    except OSError as error:
        raised: KeyrecError = refusal(path, error)
    except NotOurs as error:
        raised = SinkMisconfigured(
            f"In the age folder, {error} (path {path}) is no link that keyrec made.",
            advice="Move it away; keyrec overwrites nothing that it did not write.",
        )
    except Unsettled:
        raised = SinkOutcomeUnknown(
            f"The new version of {path} was written, but the disk did not confirm it.",
            advice="Run again; keyrec looks at what is there first.",
        )
    else:
        return
    raise raised from None


def refusal(path: str, error: OSError) -> KeyrecError:
    """Give the error for a system call that definitely changed nothing."""
    code = error.errno or 0
    reason = error.strerror or type(error).__name__
    sentence = f"The age folder refused {path}: {reason}."
    if code in _DENIED:
        return SinkDenied(sentence, advice=_DENIED[code])
    if code == errno.ENOENT:
        return SinkMisconfigured(
            f"The age folder is not there ({path}).",
            advice="Run `keyrec init`, or correct sink.age.directory.",
        )
    if code == errno.ENAMETOOLONG:
        return SinkMisconfigured(sentence, advice="Choose a shorter spec.secret.path.")
    if code in _NOT_A_FOLDER:
        return SinkMisconfigured(
            f"A part of the path {path} is not a plain folder in the age folder: {reason}.",
            advice="Links are not followed there; move away what stands in the path.",
        )
    return SinkUnavailable(
        sentence, advice=_PASSING.get(code, "Look after the disk and run again.")
    )
