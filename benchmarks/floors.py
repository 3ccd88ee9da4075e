"""What a plan cannot be faster than: the same files and the same store, with nothing in between.

A program of its own, run as a command, so that starting the interpreter and importing what is
needed count on both sides. Nothing of keyrec is imported. The store is asked through SQLAlchemy
Core, as keyrec asks it, for what tells whether a key is as declared: its name and fingerprint.

    python benchmarks/floors.py parse FOLDER [STORE]     walk, read, parse strictly; ask the store
    python benchmarks/floors.py hash FOLDER [STORE]      walk, read, hash; ask the store
    python benchmarks/floors.py git REPOSITORY PLACE [STORE]     git ls-tree; ask the store
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

DEEPEST = 20


def main(argv: list[str]) -> int:
    """Do one floor's work and say how much there was."""
    work, *rest = argv
    match work:
        case "parse":
            done = sum(parse_strictly(content) for content in contents(rest[0]))
        case "hash":
            done = sum(len(hashlib.blake2b(c, digest_size=20).digest()) for c in contents(rest[0]))
        case "git":
            done = listed(rest[0], rest.pop(1))
        case _:
            raise SystemExit(__doc__)
    rows = asked(rest[1]) if len(rest) > 1 else 0
    sys.stdout.write(f"{done} {rows}\n")
    return 0


def paths(folder: str) -> Iterator[str]:
    """Give every manifest below a folder, in order of name."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            yield from paths(entry.path)
        elif entry.name.endswith((".yaml", ".yml")):
            yield entry.path


def contents(folder: str) -> Iterator[bytes]:
    """Read every manifest below a folder."""
    for path in paths(folder):
        with open(path, "rb") as opened:  # noqa: PTH123 - the floor takes the shortest way
            yield opened.read()


def listed(repository: str, place: str) -> int:
    """Count what a clean tree holds by its blob ids."""
    argv = ["git", "-C", repository, "ls-tree", "-r", "-z", "HEAD", "--", place]
    output = subprocess.run(argv, check=True, capture_output=True).stdout  # noqa: S603
    ids = {entry[53:]: entry[12:52] for entry in output.split(b"\0") if entry}
    return len(ids)


def asked(url: str) -> int:
    """Ask the store for names and fingerprints of all live keys."""
    from sqlalchemy import column, create_engine, select, table  # noqa: PLC0415

    keys = table("keys", *(column(n) for n in ("workspace", "name", "fingerprint", "status")))
    wanted = select(keys.c.workspace, keys.c.name, keys.c.fingerprint)
    with create_engine(url).connect() as connection:
        rows = connection.execute(wanted.where(keys.c.status == "live"))
        return len({(row[0], row[1]): row[2] for row in rows})


def parse_strictly(content: bytes) -> int:  # noqa: C901, PLR0912, PLR0915 - one bare loop: it is a floor
    """Build the documents of a file from libyaml's events; refuse what no manifest may hold."""
    import yaml  # noqa: PLC0415
    from yaml import events  # noqa: PLC0415

    if not content:
        return 0
    parser = yaml.cyaml.CParser(content.decode())  # type: ignore[attr-defined]
    documents: list[object] = []
    stack: list[tuple[Any, Any]] = []
    node: Any = None
    key: object = None
    get = parser.get_event
    while True:
        event: Any = get()
        kind = type(event)
        if kind is events.ScalarEvent:
            if event.anchor is not None or event.tag is not None:
                raise SystemExit("an anchor or a tag")
            value: object = event.value
            if type(node) is dict and key is None:
                if value in node:
                    raise SystemExit("a key stands twice")
                key = value
                continue
            if event.implicit[0]:
                value = resolved(event.value)
        elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            if event.anchor is not None or event.tag is not None or len(stack) >= DEEPEST:
                raise SystemExit("an anchor, a tag, or nested too deep")
            stack.append((node, key))
            node, key = ({} if kind is events.MappingStartEvent else []), None
            continue
        elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            value = node
            node, key = stack.pop()
        elif kind is events.StreamEndEvent:
            return len(documents)
        elif kind is events.AliasEvent:
            raise SystemExit("an alias")
        else:
            continue
        if type(node) is dict:
            node[key] = value
            key = None
        elif type(node) is list:
            node.append(value)
        else:
            documents.append(value)


WORDS = {"true": True, "false": False, "null": None, "": None}


def resolved(text: str) -> object:
    """Give what a plain scalar stands for."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in "-0123456789" and text.lstrip("-").isdigit():
        return int(text)
    return text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
