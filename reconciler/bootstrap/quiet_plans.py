"""Plans that said nothing are remembered: the same manifests and the same store say it again.

What is kept is the sentence and until when it holds, under a hash of all that the plan was made
from. Nothing is believed of a cache but that it saves time: whatever is asked for in more detail
than one sentence is planned, and so is everything that is applied.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.adapters.cache_folder import CacheFolder
from reconciler.adapters.file_stamp import file_stamp
from reconciler.bootstrap import doors
from reconciler.bootstrap.wishes import PlanWish
from reconciler.manifest.files import manifest_digest
from reconciler.ports import ManifestSource
from reconciler.render.style import Style

if TYPE_CHECKING:
    from reconciler.apply.prepare import Prepared
    from reconciler.bootstrap.planning_place import PlanningPlace

_FORM = 1
_LARGEST = 64 * 1024
_MOST = 256


@dataclass(frozen=True, kw_only=True)
class QuietPlans:
    """Remembered silence for one configuration and one way of asking."""

    place: PlanningPlace
    """Its store is opened only where it is a server."""
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
            holds = entry["state"] == state and since <= self._now() < until
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
        if until is None or self.state is None or self._read_state() != self.state:
            return
        entry = {
            "words": plan_text(plan, self.style),
            "state": self.state,
            "since": observed.read_at.isoformat(),
            "until": until.isoformat(),
        }
        self._folder.save(self._name, json.dumps(entry).encode())

    @cached_property
    def state(self) -> str | None:
        """Give what tells the store as it is now from any other; None where that takes longer than
        a plan.
        """
        return self._read_state()

    def _read_state(self) -> str | None:
        settings = self.place.settings
        if doors.is_file(settings):
            return file_stamp(settings.store.url.get_secret_value(), doors.clock().now())
        return self.place.store.fingerprint()

    def _now(self) -> datetime:
        is_file = doors.is_file(self.place.settings)
        return doors.clock().now() if is_file else self.place.store.now()

    @cached_property
    def _name(self) -> str:
        settings, wish = self.place.settings, replace(self.wish, revision=None)
        parts = (
            *(_FORM, __version__, settings.store.url.get_secret_value(), settings.manager),
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
