"""The comments of a pull request by GitHub's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ci.github.job import Job
from ci.http_api import Api
from ci.note import Note

VERSION = "2022-11-28"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """The comments of one pull request, and whose are ours."""

    api: Api
    repository: str
    number: int
    author: str
    longest: int = 65_536

    def harmless(self, body: str) -> str:
        """Give the body as it is: GitHub obeys none of its lines."""
        return body

    def own(self) -> Iterator[Note]:
        """Give our comments, oldest first."""
        path = f"/repos/{self.repository}/issues/{self.number}/comments"
        for found in self.api.pages(path):
            if (found.get("user") or {}).get("login") == self.author:
                yield Note(number=int(found["id"]), body=found.get("body") or "")

    def create(self, body: str) -> None:
        """Make a comment."""
        self.api.create(f"/repos/{self.repository}/issues/{self.number}/comments", {"body": body})

    def update(self, number: int, body: str) -> None:
        """Change a comment."""
        self.api.change(
            "PATCH", f"/repos/{self.repository}/issues/comments/{number}", {"body": body}
        )

    def rest(self, attempt: int, asked: float | None = None) -> None:
        """Wait before another attempt."""
        self.api.rest(attempt, asked)


def comments_of(job: Job, number: int) -> Comments:
    """Give the comments of a pull request and the job's own account; raises ApiUnusable."""
    return Comments(
        api=github_api(job),
        repository=job.repository,
        number=number,
        author=job.given("COMMENT_AUTHOR", "github-actions[bot]"),
    )


def github_api(job: Job) -> Api:
    """Give the API with the job's token; raises ApiUnusable."""
    return Api(
        root=job.environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {job.environ.get('GITHUB_TOKEN', '')}",
            "X-GitHub-Api-Version": VERSION,
        },
        patience=job.patience,
    )
