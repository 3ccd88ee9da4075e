"""What a scan found: for people, for programs, for code scanning, for a job's log.

A found key is named by its version id, which is no secret, with the command that ends it. The line
that it stands in is not shown: whatever else stands there is nobody's to repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.credentials.leaks import FoundVersion, Leak, Part, Scan, Standing, Unread
from reconciler.model.source import Problem, SourceRef
from reconciler.render.json_form import (
    FORMAT_VERSION,
    exit_words,
    json_text,
    source_document,
)
from reconciler.render.problems import problems_github
from reconciler.render.sarif import problems_sarif
from reconciler.render.style import Style, Tint, escape, joined
from reconciler.render.words import SHORT_COMMIT, counted

_FOUND = "key-found"
_UNREAD = "file-not-read"
_PLACES = {
    Part.CONTENT: "a key",
    Part.NAME: "a key in the name",
    Part.COMMIT: "a key in the message or head of the commit",
}
_STANDINGS = {
    Standing.ACCEPTED: "it is accepted now",
    Standing.STOPPED: "its key is stopped, but it has not ended",
    Standing.ENDED: "it has ended",
    Standing.UNKNOWN: "no version of this store has that id",
}
_TO_END = frozenset({Standing.ACCEPTED, Standing.STOPPED})


def scan_text(scan: Scan, style: Style) -> str:
    """Show each place, what could not be read, how much was looked at, and what to do."""
    return joined(_lines(scan, style))


def _lines(scan: Scan, style: Style) -> Iterator[str]:
    for leak in scan.leaks:
        word = style.paint("error", Tint.RED, Tint.BOLD)
        yield f"{escape(str(leak.where))}: {word}: {leak_message(leak)}"
    for unread in scan.unread:
        word = style.paint("not read", Tint.YELLOW)
        yield f"{escape(unread.file)}: {word}: {escape(unread.reason)}"
    yield _count_line(scan)
    yield from _version_lines(scan)


def leak_message(leak: Leak) -> str:
    """Say which key stands there, by what of it may be said."""
    token = leak.token
    commit = "" if leak.commit is None else f", added by commit {leak.commit[:SHORT_COMMIT]}"
    return (
        f"{_PLACES[leak.part]}: version {token.version_id}, environment {token.environment}, "
        f"last characters {token.last_characters}{commit}"
    )


def _count_line(scan: Scan) -> str:
    looked = [counted(scan.files, "file")]
    if scan.commits:
        looked.append(counted(scan.commits, "commit"))
    places = counted(len(scan.leaks), "place")
    keys = counted(len(scan.version_ids), "key")
    found = f"{keys} found in {places}" if scan.leaks else "No keys found"
    missed = f", {len(scan.unread)} not read" if scan.unread else ""
    return f"{found}; {' and '.join(looked)} looked at{missed}."


def _version_lines(scan: Scan) -> Iterator[str]:
    if scan.versions is not None:
        for version in scan.versions:
            yield from _owner_lines(version)
    elif scan.leaks:
        yield "Each of them ends at once, and its key gets a new secret, with:"
        yield from (f"  {end_command(version_id)}" for version_id in scan.version_ids)


def _owner_lines(version: FoundVersion) -> Iterator[str]:
    address = "" if version.address is None else f" is of {escape(str(version.address))}"
    yield f"{version.version_id}{address}: {_STANDINGS[version.standing]}."
    if version.standing in _TO_END:
        yield f"  {end_command(version.version_id)}"


def end_command(version_id: str) -> str:
    """Give the command that ends a found version."""
    return f"keyrec rotate {version_id} --leaked"


def scan_json(scan: Scan) -> str:
    """Give what was found as JSON."""
    known = {v.version_id: v for v in scan.versions or ()}
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "found": [_leak_document(leak) for leak in scan.leaks],
            "versions": [_version_document(i, known.get(i)) for i in scan.version_ids],
            "unread": [{"file": u.file, "reason": u.reason} for u in scan.unread],
            "files": scan.files,
            "commits": scan.commits,
            **exit_words(scan.exit_code),
        }
    )


def _leak_document(leak: Leak) -> dict[str, object]:
    return {
        "source": source_document(leak.where),
        "part": leak.part.value,
        "commit": leak.commit,
        "version_id": leak.token.version_id,
        "prefix": leak.token.prefix,
        "environment": leak.token.environment,
        "last_characters": leak.token.last_characters,
    }


def _version_document(version_id: str, known: FoundVersion | None) -> dict[str, object]:
    """Give one version; `standing` is null where the store was not asked."""
    address = None if known is None else known.address
    return {
        "version_id": version_id,
        "standing": None if known is None else known.standing.value,
        "address": None if address is None else str(address),
        "end": end_command(version_id),
    }


def scan_sarif(scan: Scan) -> str:
    """Give what was found as one SARIF log with one run."""
    return problems_sarif(_problems(scan))


def scan_github(scan: Scan) -> str:
    """Give one workflow command for each place."""
    return problems_github(_problems(scan))


def _problems(scan: Scan) -> Sequence[Problem]:
    return [*map(_found_problem, scan.leaks), *map(_unread_problem, scan.unread)]


def _found_problem(leak: Leak) -> Problem:
    return Problem(
        where=leak.where,
        code=_FOUND,
        message=leak_message(leak),
        advice=end_command(leak.token.version_id),
    )


def _unread_problem(unread: Unread) -> Problem:
    return Problem(
        where=SourceRef(file=unread.file, line=1, column=1),
        code=_UNREAD,
        message=f"could not be searched for keys: {unread.reason}",
    )
