"""OpenTofu and a small Go client, doing what keyrec does for the same keys and the same Vault.

`go/build.sh` builds both, and the provider, into the user's cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from benchmarks.manifests import KEYS, single_files
from benchmarks.measure import Failed, Taken, command, say

GO = Path(__file__).with_name("go")
CONNECTIONS = 8
_RC = """\
provider_installation {{
  dev_overrides {{
    "bench.example/bench/kv" = "{folder}"
  }}
  direct {{}}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The folder of the built programs."""

    folder: Path

    @classmethod
    def now(cls) -> Built:
        """Build what is not built yet.

        Raises:
            Failed: it cannot be built.
        """
        say("  building OpenTofu and the Go programs (minutes, the first time)")
        built = subprocess.run([GO / "build.sh"], capture_output=True, text=True, check=False)  # noqa: S603
        if built.returncode:
            raise Failed(f"go/build.sh failed:\n{built.stderr[-2000:]}")
        return cls(folder=Path(built.stdout.strip()))

    def write(self, place: Path, count: int, env: Mapping[str, str]) -> Taken:
        """Let the Go client write so many secrets."""
        words = (f"go-{uuid4().hex[:8]}", str(count), str(CONNECTIONS))
        return command((self.folder / "writer", *words), cwd=place, env=env)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTofu:
    """A folder with keys, for OpenTofu."""

    program: Path
    folder: Path
    env: Mapping[str, str]

    @classmethod
    def into(cls, place: Path, count: int, *, built: Built, vault: Mapping[str, str]) -> OpenTofu:
        """Make the folder; nothing is applied yet."""
        folder = place / f"tofu-{uuid4().hex[:8]}"
        single_files(count, folder / KEYS)
        shutil.copy(GO / "opentofu" / "main.tf", folder)
        rc = folder / "cli.tfrc"
        rc.write_text(_RC.format(folder=built.folder))
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(rc),
            "TF_VAR_prefix": folder.name,
            **vault,
        }
        return cls(program=built.folder / "tofu", folder=folder, env=env)

    def apply(self) -> Taken:
        """Make all keys."""
        return self._run("apply", "-auto-approve", "-no-color")

    def plan(self) -> Taken:
        """Plan without changes.

        Raises:
            Failed: it found some (`-detailed-exitcode`).
        """
        return self._run("plan", "-no-color", "-detailed-exitcode")

    def _run(self, *arguments: str) -> Taken:
        return command([self.program, *arguments], cwd=self.folder, env=self.env)
