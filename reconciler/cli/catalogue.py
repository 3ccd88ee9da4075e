"""Which commands there are, in which order and with which line of help.

Static text, so that `keyrec --help` and completion import no command. A command's own module holds
its long help and its options; a test holds this list and the modules together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One command; its module `reconciler.cli.<name>` defines it as `command`."""

    name: str
    line: str
    """What it does, in one line."""

    @property
    def module(self) -> str:
        """Give the module that defines the command."""
        return f"reconciler.cli.{self.name}"


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Start",
        (
            Entry(name="init", line="Make configuration, store, sink and a first key; safe twice."),
            Entry(name="validate", line="Check manifests offline, with file:line:column."),
            Entry(name="schema", line="Print the JSON Schemas of the manifests."),
            Entry(name="doctor", line="Check store, sink, rights and clock, and say what to do."),
        ),
    ),
    (
        "Plan and apply",
        (
            Entry(name="plan", line="Show what apply would do; changes nothing."),
            Entry(name="show", line="Show a saved plan, or the difference of two."),
            Entry(name="apply", line="Plan again, ask, and do it."),
        ),
    ),
    (
        "Look at keys",
        (
            Entry(name="status", line="Show all keys, or those that expire or are due."),
            Entry(name="get", line="Show one key with its versions."),
            Entry(name="drift", line="Compare store and sink with what was last applied."),
            Entry(name="history", line="Show what happened to a key, from the audit chain."),
            Entry(name="audit", line="Verify the audit chain, or acknowledge a restored store."),
            Entry(name="explain", line="Say why a key is refused; the key comes on stdin."),
            Entry(name="scan", line="Find keys in files, streams and git's history; offline."),
        ),
    ),
    (
        "Answer about keys",
        (Entry(name="serve", line="Answer gateways about presented keys, over HTTP."),),
    ),
    (
        "Act at once",
        (
            Entry(name="rotate", line="Give a key a new secret now; --leaked ends the old one."),
            Entry(name="hold", line="Stop a key at once, until it is released."),
            Entry(name="release", line="End a hold."),
            Entry(name="lock", line="Show or end the lease of a run."),
        ),
    ),
    (
        "Take over",
        (
            Entry(name="export", line="Print manifests of the keys that the store holds."),
            Entry(name="adopt", line="Print what takes another's key or a blocked path over."),
        ),
    ),
)

ENTRIES: dict[str, Entry] = {e.name: e for _, entries in SECTIONS for e in entries}
