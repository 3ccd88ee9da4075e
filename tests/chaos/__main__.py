"""`python -m tests.chaos`: kill keyrec at random on real servers, and hold its promises.

Exit code 1 where a promise was broken; every violation is printed with the seed and the step.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys

from tests.chaos.campaign import Campaign
from tests.chaos.moves import let_time_pass, round_ends
from tests.chaos.mutants import MUTANTS
from tests.chaos.place import opened_place
from tests.chaos.runs import warm
from tests.chaos.troubles import TROUBLES, Trouble
from tests.services.vault_server import vault_binary

EVERY = 15.0
"""Seconds between two lines of how it stands."""


def main() -> int:
    """Run a campaign."""
    wanted = _arguments().parse_args()
    program = vault_binary(os.environ)
    if program is None:
        sys.stderr.write("There is no Vault: make services\n")
        return 2
    seed = secrets.randbelow(2**32) if wanted.seed is None else wanted.seed
    Campaign.say(f"seed {seed}")
    # A wish to stop ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    warm()
    if wanted.mutant is not None:
        MUTANTS[wanted.mutant]()
    with opened_place(program) as place:
        campaign = Campaign.begun(place, seed)
        campaign.waits_left = wanted.waits
        campaign.most_violations = wanted.most_violations
        try:
            carry_on(campaign, wanted)
        finally:
            Campaign.say(_report(campaign))
    return 1 if campaign.tally.violations else 0


def carry_on(campaign: Campaign, wanted: argparse.Namespace) -> None:
    """Go round until so many kills or so much time; every kind of trouble comes first once."""
    tally, told = campaign.tally, 0.0
    first = list(TROUBLES)
    campaign.chance.shuffle(first)
    until = 60 * wanted.minutes
    while tally.seconds < until and (tally.kills < wanted.kills or first):
        troubles, first = (first[:4], first[4:]) if first else (_drawn(campaign), [])
        let_time_pass(campaign)
        for trouble in troubles:
            tally.troubles[trouble.__name__.replace("_", " ")] += 1
        campaign.go_on(troubles)
        round_ends(campaign)
        if tally.seconds - told > EVERY:
            told = tally.seconds
            Campaign.say(tally.line(*_sizes(campaign)))
        if len(tally.violations) >= campaign.most_violations:
            break


def _drawn(campaign: Campaign) -> list[Trouble]:
    count = campaign.chance.randint(3, 10)
    return campaign.chance.choices(list(TROUBLES), weights=list(TROUBLES.values()), k=count)


def _sizes(campaign: Campaign) -> tuple[int, int]:
    """Give how many keys there were and how many secrets were made."""
    with campaign.place.sql() as connection:
        (row,) = connection.execute(
            "SELECT (SELECT count(*) FROM keys) AS keys, count(*) AS secrets FROM key_versions"
        ).fetchall()
    return row["keys"], row["secrets"]


def _report(campaign: Campaign) -> str:
    keys, made = _sizes(campaign)
    return campaign.tally.report(keys=keys, secrets=made, presented=campaign.memory.presented)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many kills (%(default)s)")
    parser.add_argument("--minutes", type=float, default=30, help="at most (%(default)s)")
    parser.add_argument(
        "--most-violations", type=int, default=20, help="stop after so many (%(default)s)"
    )
    parser.add_argument("--seed", type=int, help="repeat the choices of a campaign")
    parser.add_argument(
        "--waits", type=int, default=2, help="how many leases really run out (%(default)s)"
    )
    parser.add_argument(
        "--mutant", choices=sorted(MUTANTS), help="break keyrec this way; it has to be found"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
