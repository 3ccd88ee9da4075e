"""The notes of a merge request by GitLab's REST API."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from ci.gitlab.job import Job
from ci.http_api import Api
from ci.note import Note

_QUICK_ACTION = re.compile(r"^([ \t]*)/", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeNotes:
    """The notes of one merge request, and whose are ours."""

    api: Api
    project: str
    number: str
    longest: int = 1_000_000

    def harmless(self, body: str) -> str:
        """Give a body in which no line begins with `/`: GitLab would do it, as the bot."""
        return _QUICK_ACTION.sub(r"\1&#47;", body)

    def own(self) -> Iterator[Note]:
        """Give our notes, oldest first."""
        author = self.api.get("/user")["id"]
        for found in self.api.pages(f"{self._path}?sort=asc&order_by=created_at"):
            if (found.get("author") or {}).get("id") == author and not found.get("system"):
                yield Note(number=int(found["id"]), body=found.get("body") or "")

    def create(self, body: str) -> None:
        """Make a note."""
        self.api.create(self._path, {"body": body})

    def update(self, number: int, body: str) -> None:
        """Change a note."""
        self.api.change("PUT", f"{self._path}/{number}", {"body": body})

    def rest(self, attempt: int, asked: float | None = None) -> None:
        """Wait before another attempt."""
        self.api.rest(attempt, asked)

    @property
    def _path(self) -> str:
        return f"{project_path(self.project)}/merge_requests/{self.number}/notes"


def project_path(project: str) -> str:
    """Give the path of a project by its number or its full name."""
    return f"/projects/{urllib.parse.quote(project, safe='')}"


def notes_of(job: Job, project: str, number: str) -> MergeNotes:
    """Give the notes of a merge request and the bot's own account; raises ApiUnusable."""
    return MergeNotes(api=gitlab_api(job), project=project, number=number)


def gitlab_api(job: Job) -> Api:
    """Give the API with the bot's token; raises ApiUnusable."""
    return Api(
        root=job.environ.get("CI_API_V4_URL", "https://gitlab.com/api/v4").rstrip("/"),
        headers={"PRIVATE-TOKEN": job.environ.get("KEYREC_GITLAB_TOKEN", "")},
        patience=job.patience,
    )
