"""Plans that said nothing are remembered: the same manifests and the same store say it again.

What is kept is the sentence and until when it holds, under a hash of all that the plan was made
from. Nothing is believed of a cache but that it saves time: whatever is asked for in more detail
than one sentence is planned, and so is everything that is applied.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.adapters.cache_folder import CacheFolder
from reconciler.adapters.file_stamp import file_stamp
from reconciler.bootstrap import doors
from reconciler.bootstrap.program_stamp import program_stamp
from reconciler.bootstrap.wishes import PlanWish
from reconciler.errors import StoreUnavailable
from reconciler.manifest.files import manifest_digest

if TYPE_CHECKING:
    from reconciler.apply.prepare import Prepared
    from reconciler.bootstrap.planning_place import PlanningPlace
    from reconciler.config import Settings
    from reconciler.ports import ManifestSource
    from reconciler.render.style import Style

_FORM = 1
_LARGEST = 64 * 1024
_MOST = 256
_LONGEST = timedelta(days=7)
"""A wrong silence ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What tells the store as it is from any other."""

    text: str
    at: datetime
    """When it was asked, by the store's time."""


@dataclass(frozen=True, kw_only=True)
class QuietPlans:
    """Remembered silence for one configuration and one way of asking."""

    place: PlanningPlace
    """Its store is opened where it is a server that cannot be asked in a shorter way."""
    wish: PlanWish
    source: ManifestSource
    style: Style

    def recall(self) -> str | None:
        """Give what a plan of these files says, where it is known to say nothing."""
        state = self.state  # asked before a plan is made, for `remember`
        if state is None:
            return None
        entry = self._entry()
        try:
            since = datetime.fromisoformat(entry["since"])
            until = datetime.fromisoformat(entry["until"])
            holds = entry["state"] == state.text and since <= state.at < until
            return str(entry["words"]) if holds else None
        except (ValueError, TypeError, LookupError):
            return None

    def remember(self, prepared: Prepared) -> None:
        """Keep what a plan of these files said, where it said nothing and the store is still as it
        was before the plan was made.
        """
        from reconciler.planning.quiet import quiet_until
        from reconciler.render.text import plan_text

        plan, observed = prepared.plan, prepared.request.observed
        until = quiet_until(plan, observed)
        if until is None or self.state is None or self._text_after() != self.state.text:
            return
        entry = {
            "words": plan_text(plan, self.style),
            "state": self.state.text,
            "since": observed.read_at.isoformat(),
            "until": min(until, observed.read_at + _LONGEST).isoformat(),
        }
        self._folder.save(self._name, json.dumps(entry).encode())

    @cached_property
    def state(self) -> State | None:
        """Give what tells the store as it is now from any other; None where that cannot be had, or
        takes longer than a plan.
        """
        url = self.place.settings.store.url.get_secret_value()
        if doors.is_file(self.place.settings):
            now = doors.clock().now()
            stamp = file_stamp(url, now)
            return None if stamp is None else State(text=stamp, at=now)
        if _is_plain(url):
            from reconciler.adapters.postgres_state import server_state

            answer = server_state(url)
            return None if answer is None else State(text=answer.text, at=answer.at)
        fingerprint = self._fingerprint()
        return None if fingerprint is None else State(text=fingerprint, at=self.place.store.now())

    def _text_after(self) -> str | None:
        """Give the state's text when the plan is made."""
        if doors.is_file(self.place.settings):
            url = self.place.settings.store.url.get_secret_value()
            return file_stamp(url, doors.clock().now())
        return self._fingerprint()

    def _fingerprint(self) -> str | None:
        """Ask the opened store; a server that is too slow for this may still give a plan."""
        store = self.place.store
        try:
            return store.fingerprint()
        except StoreUnavailable:
            return None

    @cached_property
    def _name(self) -> str:
        settings, wish = self.place.settings, replace(self.wish, revision=None)
        parts = (
            *(_FORM, program_stamp(), _place_of(settings), settings.manager),
            *(sorted(settings.environments or ()), wish, self.style.color),
            self.source.content_id() or manifest_digest(self.source.files()),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @cached_property
    def _folder(self) -> CacheFolder:
        folder = Path(self.place.settings.cache_folder or "") / "plans"
        return CacheFolder(folder=folder, largest=_LARGEST, most=_MOST)

    def _entry(self) -> dict[str, Any]:
        try:
            entry = json.loads(self._folder.load(self._name) or b"")
        except (ValueError, RecursionError):
            return {}
        return entry if isinstance(entry, dict) else {}


def _is_plain(url: str) -> bool:
    """Whether a server can be asked with its driver alone, which may not be installed."""
    try:
        from reconciler.adapters.postgres_state import is_plain
    except ImportError:
        return False
    return is_plain(url)


def _place_of(settings: Settings) -> tuple[object, ...]:
    """Give where the store is. Without user and password: the name of a file may be listed."""
    # An address that cannot be read has no place: then two stores take turns, and nothing is wrong.
    with suppress(ValueError):
        parts = urlsplit(settings.store.url.get_secret_value())
        return (parts.scheme, parts.hostname, parts.port, parts.path)
    return ()
