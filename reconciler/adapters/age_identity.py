"""age keys: making an identity for `init`, reading recipients, encrypting to them.

An identity stays outside the repository and is only made here; keyrec never reads one to decrypt.
pyrage is imported where it is needed: most commands never need it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.age_disk import FILE_MODE, FOLDER_MODE
from reconciler.errors import SinkMisconfigured
from reconciler.model.secret import Secret

_RECIPIENT_ADVICE = "Use an age recipient (age1…) or an SSH public key (ssh-ed25519 …, ssh-rsa …)."


def new_identity() -> tuple[Secret, str]:
    """Make an X25519 identity: the text of its file, and its recipient."""
    from pyrage import x25519  # noqa: PLC0415 - lazily, see above

    identity = x25519.Identity.generate()
    recipient = str(identity.to_public())
    return Secret(f"# public key: {recipient}\n{identity}\n"), recipient


def recipient_of(text: Secret) -> str | None:
    """Give the recipient of an identity file's text; None where it holds no X25519 identity."""
    from pyrage import IdentityError, x25519  # noqa: PLC0415 - lazily, as above

    lines = (line.strip() for line in text.reveal().splitlines())
    written = next((line for line in lines if line.startswith("AGE-SECRET-KEY-1")), "")
    with contextlib.suppress(IdentityError):
        return str(x25519.Identity.from_str(written).to_public())
    return None


def kept_identity(file: Path) -> str:
    """Give the recipient of the identity in a file, making one (mode 0600) where there is none.

    Raises:
        SinkMisconfigured: the file cannot be read or made, holds no identity, or is not its
            owner's alone.
    """
    try:
        file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        recipient = _made(file) or recipient_of(_read(file))
    except (OSError, UnicodeDecodeError):
        recipient = None
    if recipient is None:
        raise SinkMisconfigured(
            f"The age identity {file} can neither be made nor read.",
            advice="Name another file with KEYREC_AGE_IDENTITY, or move away what is there.",
        )
    return recipient


def checked_recipients(recipients: Sequence[str]) -> tuple[str, ...]:
    """Give the recipients if every one can be encrypted to.

    Raises:
        SinkMisconfigured: there is none, or one is not understood.
    """
    if not recipients:
        raise SinkMisconfigured(
            "The policy names no age recipients, so nobody could read a secret.",
            advice="Add recipients to the Policy's sink. " + _RECIPIENT_ADVICE,
        )
    for recipient in recipients:
        if _parsed(recipient) is None:
            raise SinkMisconfigured(
                f"The age recipient {recipient[:80]!r} is not understood.",
                advice=_RECIPIENT_ADVICE,
            )
    return tuple(recipients)


def sealed(secret: Secret, recipients: Sequence[str]) -> bytes | None:
    """Encrypt the secret and a newline to all recipients; None where the library refuses.

    Nothing is raised from here: a traceback would keep the plain text alive.
    """
    from pyrage import EncryptError, encrypt  # noqa: PLC0415 - lazily, as above

    with contextlib.suppress(EncryptError, ValueError):
        return bytes(encrypt(f"{secret.reveal()}\n".encode(), [_parsed(r) for r in recipients]))
    return None


def _parsed(recipient: str) -> object | None:
    from pyrage import RecipientError, ssh, x25519  # noqa: PLC0415 - lazily, as above

    form = ssh.Recipient if recipient.startswith("ssh-") else x25519.Recipient
    with contextlib.suppress(RecipientError):
        parsed: object = form.from_str(recipient.strip())
        return parsed
    return None


def _read(file: Path) -> Secret:
    """Read what is there, if nobody else could have put it there or can read it.

    Raises:
        OSError, UnicodeDecodeError: it cannot be read.
        SinkMisconfigured: it is another user's, or open to others.
    """
    with file.open(encoding="utf-8") as opened:
        if is_private(os.fstat(opened.fileno()), os.geteuid()):
            return Secret(opened.read())
    raise SinkMisconfigured(
        f"The age identity {file} belongs to another user, or others may read or write it.",
        advice=f"Look at whose it is, then: chmod 600 {file}; or name another file with "
        "KEYREC_AGE_IDENTITY.",
    )


def is_private(status: os.stat_result, user: int) -> bool:
    """Whether a file is the user's or root's, and nobody else may read or write it."""
    return status.st_uid in {0, user} and not status.st_mode & 0o077


def _made(file: Path) -> str | None:
    if file.exists():
        return None
    text, recipient = new_identity()
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text.reveal())
        opened.flush()
        os.fsync(descriptor)
    os.link(new, file)  # fails where somebody else was faster: an identity is never replaced
    new.unlink()
    return recipient
