"""keyrec from Python: the same doors as the command line, without its words.

    keyrec = reconciler.load("keyrec.yaml")
    plan = keyrec.plan()
    report = keyrec.apply(approved=plan.digest)
    with keyrec.verifier(environment="prod") as verifier:
        verdict = verifier.check(presented, address="203.0.113.7", scope="Webhooks:read")

Each call opens what it needs and closes it again. Errors are those of `reconciler.errors`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from reconciler.apply.outcome import ApplyReport, Outcome
from reconciler.bootstrap.configuration import Configuration, find_configuration
from reconciler.bootstrap.verifying import open_verifier
from reconciler.bootstrap.wishes import PlanWish, RunTerms
from reconciler.bootstrap.workplace import Workplace
from reconciler.planning.plan import Plan
from reconciler.verification.verifier import Verifier


class Keyrec:
    """One configuration, ready to plan and to apply."""

    def __init__(self, configuration: Configuration) -> None:
        """Keep the configuration; nothing is opened yet."""
        self.configuration = configuration

    def plan(self, wish: PlanWish | None = None) -> Plan:
        """Say what apply would do; reads only.

        Raises:
            ManifestsInvalid: with every problem of every manifest.
        """
        with self._workplace(threading.Event()) as place:
            return place.prepare(wish or PlanWish()).plan

    def apply(
        self,
        *,
        approved: str | None,
        wish: PlanWish | None = None,
        terms: RunTerms | None = None,
        stop: threading.Event | None = None,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> ApplyReport:
        """Plan again and carry it out where its digest is `approved`.

        With `terms` of maintenance alone no approval is needed. Setting `stop` ends the run after
        what is under way.

        Raises:
            PlanDiffers, Refused, ManifestsInvalid, Locked: nothing was applied.
        """
        agreed = replace(terms or RunTerms(), approved_digest=approved)
        with self._workplace(stop or threading.Event()) as place:
            makes = place.prepare_maintenance if agreed.maintenance_only else place.prepare
            prepared = makes(wish or PlanWish())
            return place.run(prepared.request, agreed, on_outcome)

    def verifier(
        self,
        *,
        environment: str | None = None,
        on_trouble: Callable[[str], None] | None = None,
    ) -> Verifier:
        """Open what answers about presented keys; a context manager, to be kept for long.

        `environment`: where the keys are presented. `on_trouble` is told, in a sentence, what an
        operator should know, such as a store that is out of reach; without it, stderr is.

        Raises:
            StoreOutdated: there is no store of this program's form.
        """
        settings = self.configuration.settings
        return open_verifier(settings, environment=environment, on_trouble=on_trouble)

    def _workplace(self, stop: threading.Event) -> Workplace:
        return Workplace(self.configuration, stop=stop)


def load(config: str | None = None) -> Keyrec:
    """Read the configuration that is named, or that KEYREC_CONFIG or the default name.

    Raises:
        ConfigInvalid: it is missing or cannot be used.
    """
    return Keyrec(find_configuration(config))
