"""The campaign: edit, run, trouble, look; then one quiet run that has to reach the end; look again."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.looking import Consumers, Rows, read_rows, recent_paths
from tests.chaos.place import PREFIX, Place
from tests.chaos.promises import PROMISES
from tests.chaos.repository import Repository
from tests.chaos.runs import Ended, Run
from tests.chaos.sight import Memory, Sight
from tests.chaos.tally import Tally
from tests.e2e.desk import principal

FAULTS = ("Traceback", "a fault of its own", "restored from an older copy")
"""What no run may say here; the last one would be a false alarm."""
LEGAL_CODES = frozenset({0, 1, 4, 6, 7})
"""How a run may end that was disturbed and not killed. 3 and 5 would say that the manifests are
wrong, which they never are here.
"""
REAL_SHARE = 0.06
GUARDS = (
    "  guards: {maxRemovals: 1000, maxRemovalShare: 1.0}\n"
    "  review: {rules: {AK103: high}}  # edits are random: lists are taken away as well\n"
)


@dataclass
class Campaign:
    """One campaign under way."""

    place: Place
    chance: random.Random
    tally: Tally
    repository: Repository
    consumers: Consumers
    memory: Memory = field(default_factory=Memory)
    typical: float = 0.6
    """Seconds that an undisturbed run takes, as measured."""
    most_violations: int = 1
    """After how many it ends."""
    judged: set[int] = field(default_factory=set)
    waits_left: int = 0
    """How many leases may still be left to run out, 30 seconds each."""

    @classmethod
    def begun(cls, place: Place, seed: int) -> Campaign:
        """Initialise the store and the repository."""
        chance = random.Random(seed)
        repository = Repository(folder=place.work, chance=chance, principal=principal())
        campaign = cls(
            place=place,
            chance=chance,
            tally=Tally(seed=seed),
            repository=repository,
            consumers=Consumers(place),
        )
        campaign.quiet(
            "init", "--sink", "vault", "--vault-mount", place.mount, "--vault-prefix", PREFIX
        )
        for example in (place.work / "keys/demo").glob("*"):
            example.unlink()
        policy = place.work / "keys/policy.yaml"
        policy.write_text(policy.read_text() + GUARDS)
        repository.begin()
        campaign.quiet("apply", "--auto-approve")
        return campaign

    # Runs.

    def run(self, *arguments: str) -> Run:
        """Start a run: mostly a fork, sometimes a process from nothing."""
        is_real = self.chance.random() < REAL_SHARE
        self.tally.runs[f"{arguments[0]}{' (new process)' if is_real else ''}"] += 1
        starter = self.place.starter
        return starter.start(*arguments) if is_real else starter.fork(*arguments)

    def quiet(self, *arguments: str) -> Ended:
        """Run something that nothing disturbs; it has to succeed."""
        self.tally.runs[arguments[0]] += 1
        ended = self.place.starter.fork(*arguments).wait()
        self.judge(ended)
        if ended.code != 0:
            self.violated("P5", f"an undisturbed {' '.join(arguments)} ended with {ended.code}")
            self.say(ended.said)
        elif arguments[0] == "apply":
            self.typical = 0.8 * self.typical + 0.2 * ended.seconds
        return ended

    def judge(self, ended: Ended) -> None:
        """Hold a run's end and its words to what is legal; once."""
        if ended.number in self.judged:
            return
        self.judged.add(ended.number)
        if ended.is_killed:
            self.tally.kills += 1
        else:
            self.tally.codes[ended.code] += 1
            if ended.code not in LEGAL_CODES:
                self.violated("run", f"{' '.join(ended.arguments)} ended with {ended.code}")
                self.say(ended.said)
        if any(fault in ended.said for fault in FAULTS):
            self.violated("run", f"{' '.join(ended.arguments)} met a fault")
            self.say(ended.said)
        if any(value.api_key in ended.said for value in self.consumers.values.values()):
            self.violated("P4", f"{' '.join(ended.arguments)} said a secret")

    # Looks.

    def look(self, *, whole: bool = False) -> Rows:
        """Ask every promise."""
        self.consumers.look(None if whole else self._paths_of_interest())
        # Values first, rows after them: whatever was read has to be explained by what stands.
        rows = read_rows(self.place, after=self.memory.sequence)
        sight = Sight(consumers=self.consumers, rows=rows, memory=self.memory)
        for name, question in PROMISES:
            for answer in question(sight):
                self.violated(name, answer)
        self.tally.looks += 1
        return rows

    def _paths_of_interest(self) -> set[str]:
        """Give the paths where something has happened of late, and some others."""
        paths = recent_paths(self.place)
        others = sorted(self.consumers.latest.keys() - paths)
        return paths | set(self.chance.sample(others, min(5, len(others))))

    def converge(self) -> None:
        """Reach the end with one quiet run, and hold the store to what is declared."""
        self.quiet("apply", "--auto-approve", "--lock-timeout", "60s")
        self.tally.converged += 1
        rows = self.look(whole=True)
        for answer in (*self._unfinished(rows), *self._undeclared(rows)):
            self.violated("P5", answer)
        if self.chance.random() < 0.25:
            self.has_nothing_left()
        self.repository.settled()

    def has_nothing_left(self) -> None:
        """Plan what has just been applied: no change."""
        ended = self.place.starter.fork("plan", "--detailed-exitcode").wait()
        self.judge(ended)
        if ended.code != 0:
            self.violated("P5", f"a plan after the end is not empty ({ended.code})")
            self.say(ended.said)

    def _unfinished(self, rows: Rows) -> list[str]:
        open_ = [f"{o['sink_path']} has an open operation" for o in rows.open_operations]
        provisional = [
            f"{v['version_id']} at {v['sink_path']} is provisional"
            for v in rows.versions.values()
            if v["state"] == "provisional"
        ]
        return [*open_, *provisional]

    def _undeclared(self, rows: Rows) -> list[str]:
        """Say where the store is not as the manifests declare."""
        live = {
            f"{k['workspace']}/{k['name']}": k for k in rows.keys.values() if k["status"] == "live"
        }
        wanted = self.repository.keys | self.repository.forgotten
        found = [f"{a} is declared or live alone" for a in sorted(live.keys() ^ wanted.keys())]
        for address in sorted(live.keys() & wanted.keys()):
            key, record = wanted[address], live[address]
            is_active = key.active and address in self.repository.keys
            declared = (is_active, key.generation, key.reissue, key.owner)
            stored = tuple(record[n] for n in ("active", "generation", "reissue", "owner"))
            if stored != declared:
                found.append(f"{address} is {stored}, declared {declared}")
            currents = [
                v["version_id"]
                for v in rows.versions_of[record["key_id"]]
                if v["state"] == "current"
            ]
            if len(currents) != 1:
                found.append(f"{address} has {len(currents)} current versions")
        return found

    # The loop.

    def go_on(self, troubles: list[Callable[[Campaign], None]]) -> None:
        """Take one round: some troubles, with edits before each; then the end."""
        for trouble in troubles:
            if len(self.tally.violations) >= self.most_violations:
                return
            self.tally.step += 1
            self.repository.edit(self.chance.randint(1, 4))
            trouble(self)
            self.tally.left_open += len(self.look().open_operations)
        self.converge()

    def violated(self, promise: str, what: str) -> None:
        """Take note of a violation, and say it at once."""
        tally = self.tally
        violation = f"{promise}: {what}"
        if violation not in tally.violations:
            tally.violations.append(violation)
            self.say(f"VIOLATION {violation} (seed {tally.seed}, step {tally.step})")

    @staticmethod
    def say(text: str) -> None:
        """Write a line at once."""
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
