"""What `keyrec adopt` found, as lines to write."""

from __future__ import annotations

from pathlib import Path

from reconciler.bootstrap.exporting import write_once
from reconciler.bootstrap.taking_over import Found, FoundPath, FoundRecord
from reconciler.cli.session import Session
from reconciler.errors import UsageError
from reconciler.render.style import escape


def show_found(session: Session, found: Found, out: str | None) -> None:
    """Print what to write as the result, and why as remarks.

    Raises:
        UsageError: `out` is there already, or there is no manifest to write.
    """
    if isinstance(found, FoundRecord):
        _show_record(session, found, out)
    elif out is not None:
        raise UsageError(
            "This is a key of your own: there is no manifest to write.",
            advice="Leave --out away to see what to add to the one that it has.",
        )
    else:
        _show_path(session, found)


def _show_record(session: Session, found: FoundRecord, out: str | None) -> None:
    whose = "nobody" if found.manager is None else found.manager
    who = "an admin of its workspace" if found.manager is None else "a platform admin"
    session.say(f"{escape(str(found.address))} is managed by {escape(whose)}.")
    session.say(f"This manifest takes it over when {who} applies it:")
    if out is None:
        session.show(found.file.content.decode())
        return
    write_once(Path(out), found.file.content)
    session.show(out)


def _show_path(session: Session, found: FoundPath) -> None:
    path, seen = escape(found.path), found.seen
    if found.is_known:
        at = f"at version {seen}, as recorded" if seen else "empty"
        session.say(f"{path} is {at}: there is nothing to adopt.")
        return
    session.say(f"{path} is at version {seen} in the sink; keyrec knows version {found.known}.")
    if found.is_busy:
        session.say("A secret is being made there: let `keyrec apply --maintenance` finish first.")
        return
    if found.is_used:
        session.say("That version was adopted once before and is not adopted again.")
        session.say("Give the key another path by spec.secret.path.")
        return
    where = "the key's manifest" if found.manifest is None else escape(found.manifest)
    session.say("Find out who writes there. To write over that version once, by a new secret,")
    session.say(f"add to {where}, and apply:")
    session.show(f"spec:\n  secret:\n    adopt: {seen}")
