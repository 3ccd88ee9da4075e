"""What a job knows on either forge: its inputs, and where keyrec runs.

All of it comes from the environment and is text until it is read. What only one forge knows (the
request, the commit, who may do what) stands in that forge's own class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ci.keyrec_program import Keyrec


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(ABC):
    """One job."""

    environ: Mapping[str, str] = field(repr=False)

    @property
    @abstractmethod
    def root(self) -> Path:
        """Give the folder of the checkout."""

    @property
    @abstractmethod
    def out(self) -> Path:
        """Give the folder of what is made."""

    def begin(self) -> None:
        """Make that folder."""
        self.out.mkdir(parents=True, exist_ok=True)

    def given(self, name: str, default: str = "") -> str:
        """Give an input."""
        return self.environ.get(f"KEYREC_CI_{name}", "").strip() or default

    def says(self, name: str) -> bool:
        """Whether an input is switched on."""
        return self.given(name).lower() in {"true", "1", "yes"}

    @property
    def folder(self) -> str:
        """Give the folder of the repository in which keyrec runs."""
        return self.given("WORKING_DIRECTORY", ".")

    @property
    def config(self) -> str:
        """Give the configuration's file, from there."""
        return self.given("CONFIG", "keyrec.yaml")

    @property
    def place(self) -> str:
        """Give folder and configuration, which tell the comments of one request apart."""
        return f"{self.folder}/{self.config}"

    @property
    def keyrec(self) -> Keyrec:
        """Give keyrec in its folder."""
        return Keyrec(environ=self.environ, folder=self.root / self.folder, config=self.config)

    @property
    def flags(self) -> tuple[str, ...]:
        """Give what plan and apply are both told; in one word, so that no text is another flag."""
        removals = self.given("ALLOW_REMOVALS")
        return (f"--allow-removals={removals}",) if removals else ()

    @property
    def plan_file(self) -> Path | None:
        """Give the saved plan that was approved, if one is named."""
        given = self.given("PLAN_FILE")
        return (self.root / given).resolve() if given else None

    @property
    def patience(self) -> float:
        """Give the first wait for a forge that stumbles, in seconds."""
        return float(self.given("PATIENCE", "1"))
