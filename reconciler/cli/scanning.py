"""What `keyrec scan` is asked for: one kind of place, and nothing that is a key itself.

Where nothing is named and something is piped in, neither the folder nor the stream is guessed: a
job's shell may read its script from the same stream, and a search that looked elsewhere than was
meant would be taken for an all-clear.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass
from io import BufferedIOBase

from reconciler.bootstrap.scanning import (
    ScanTerms,
    configured_prefix,
    scan_files,
    scan_history,
    with_owners,
)
from reconciler.cli.names import refuse_token
from reconciler.cli.session import Session
from reconciler.credentials.leaks import Scan
from reconciler.errors import UsageError
from reconciler.model.token import PREFIX_PATTERN
from reconciler.render.scan import scan_github, scan_json, scan_sarif, scan_text
from reconciler.render.scan_rules import gitleaks_rule, trufflehog_detector

STREAM = "-"
HERE = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The flags of one scan."""

    paths: tuple[str, ...]
    revisions: str | None
    staged: bool
    prefix: str | None
    excepted: tuple[str, ...]
    rule: str | None

    def require_one_kind(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: two kinds of places, no prefix of ours, or a key among the arguments.
        """
        texts = (self.revisions or "", self.prefix or "", *self.excepted)
        for text in (*texts, *(p for p in self.paths if not os.path.lexists(p))):
            refuse_token(text)
        kinds = (bool(self.paths), self.revisions is not None, self.staged, self.rule is not None)
        if sum(kinds) > 1:
            raise UsageError(
                "PATH, --range, --staged and --rule are four different things to ask.",
                advice="Run keyrec scan once for each.",
            )
        if self.prefix is not None and re.fullmatch(PREFIX_PATTERN, self.prefix) is None:
            raise UsageError(
                f"{self.prefix!r} is no prefix of keys.", advice="It is 2 to 8 letters of a to z."
            )

    @property
    def terms(self) -> ScanTerms:
        """Give what counts as found."""
        return ScanTerms(prefix=self.prefix, excepted=frozenset(self.excepted))


def scanned(session: Session, asked: Asked, *, with_store: bool) -> Scan:
    """Search what is asked for; errors as `scan_history`."""
    if asked.staged or asked.revisions is not None:
        scan = scan_history(asked.revisions, asked.terms)
    else:
        scan = _scanned_files(asked)
    if not with_store or not scan.leaks:
        return scan
    with session.workplace() as place:
        return with_owners(scan, place.store)


def _scanned_files(asked: Asked) -> Scan:
    if not asked.paths and _is_piped():
        raise UsageError(
            "Something is piped in, and no place is named.",
            advice="Say keyrec scan - for the stream, keyrec scan . for the current folder.",
        )
    named = [path for path in asked.paths or (HERE,) if path != STREAM]
    stream = _stream() if STREAM in asked.paths else None
    return scan_files(named, asked.terms, stream=stream)


def _stream() -> BufferedIOBase:
    stream = getattr(sys.stdin, "buffer", None)
    if not isinstance(stream, BufferedIOBase):
        raise UsageError("There is no standard input.", advice="Pipe in what is to be searched.")
    return stream


def _is_piped() -> bool:
    """Whether standard input is a pipe, a socket or a file; an absent one is none."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def scanners_rule(session: Session, scanner: str, prefix: str | None) -> str:
    """Give another scanner's rule, for a prefix or the configured one."""
    writes = {"gitleaks": gitleaks_rule, "trufflehog": trufflehog_detector}[scanner]
    if prefix is not None:
        return writes(prefix)
    return writes(configured_prefix(session.config))


def show_scan(session: Session, scan: Scan, form: str) -> None:
    """Write what was found as the result."""
    match form:
        case "json":
            session.show(scan_json(scan))
        case "sarif":
            session.show(scan_sarif(scan))
        case "github":
            session.show(scan_github(scan))
        case _:
            session.show(scan_text(scan, session.style))
