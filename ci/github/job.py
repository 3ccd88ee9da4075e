"""What a job on GitHub knows beyond the inputs: its event, its rights, and where it reports."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci.job import Job as AnyJob

DEPENDABOT = "dependabot[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(AnyJob):
    """One job on GitHub."""

    event: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Job:
        """Read the environment, and the event's file that it names."""
        try:
            text = Path(environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8")
            event = json.loads(text)
        except (OSError, ValueError):
            event = {}
        return cls(environ=environ, event=event if isinstance(event, dict) else {})

    @property
    def event_name(self) -> str:
        """Give what started the job."""
        return self.environ.get("GITHUB_EVENT_NAME", "")

    @property
    def repository(self) -> str:
        """Give `owner/name`."""
        return self.environ.get("GITHUB_REPOSITORY", "")

    @property
    def root(self) -> Path:
        """Give the repository's folder."""
        return Path(self.environ.get("GITHUB_WORKSPACE", "."))

    @property
    def out(self) -> Path:
        """Give the folder of what is made: one for each configuration of a job."""
        place = hashlib.sha256(self.place.encode()).hexdigest()[:12]
        root = Path(self.environ.get("RUNNER_TEMP") or tempfile.gettempdir())
        return root.resolve() / "keyrec" / place

    @property
    def request(self) -> Mapping[str, Any]:
        """Give the pull request, empty where the job has none."""
        found = self.event.get("pull_request")
        return found if isinstance(found, dict) else {}

    @property
    def is_requests(self) -> bool:
        """Whether it is a pull request's own job, also where its event could not be read."""
        return bool(self.request) or self.event_name.startswith("pull_request")

    @property
    def head(self) -> str:
        """Give the last commit of the pull request's branch, or the commit of the job."""
        head = self.request.get("head")
        sha = head.get("sha") if isinstance(head, dict) else None
        return sha if isinstance(sha, str) else self.environ.get("GITHUB_SHA", "")

    @property
    def restriction(self) -> str:
        """Say why the job has neither rights nor secrets; empty where it has them."""
        if not self.is_requests:
            return ""
        head = self.request.get("head")
        repo = head.get("repo") if isinstance(head, dict) else None
        name = repo.get("full_name") if isinstance(repo, dict) else None
        if name != self.repository:
            return "This pull request comes from a fork, which gets no secrets and no rights here"
        if self.environ.get("GITHUB_ACTOR") == DEPENDABOT:
            return "This pull request is Dependabot's, which gets no secrets of Actions"
        return ""

    def tell(self, **outputs: str) -> None:
        """Set outputs of the step; `_` in a name stands for `-`."""
        file = self.environ.get("GITHUB_OUTPUT")
        if not file:
            return
        with Path(file).open("a", encoding="utf-8") as opened:
            for name, text in outputs.items():
                end = secrets.token_hex(16)
                opened.write(f"{name.replace('_', '-')}<<{end}\n{text}\n{end}\n")

    def summarise(self, text: str) -> None:
        """Add to the summary of the job."""
        file = self.environ.get("GITHUB_STEP_SUMMARY")
        if file:
            with Path(file).open("a", encoding="utf-8") as opened:
                opened.write(f"{text.rstrip()}\n")
