"""What planning needs of one configuration, each part opened when it is first needed.

Nothing is decided here, and no sink is contacted: the stored policy says what a plan is bound to.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import Configuration
from reconciler.bootstrap.read_once import ReadOnce

if TYPE_CHECKING:
    from reconciler.apply.authorization import Trust
    from reconciler.apply.prepare import Prepared
    from reconciler.bootstrap.quiet_plans import QuietPlans
    from reconciler.bootstrap.wishes import PlanWish
    from reconciler.model.states import ObservedState
    from reconciler.model.workspaces import Principal
    from reconciler.planning.pairing import PlanRequest
    from reconciler.planning.selection import Selection
    from reconciler.ports import KeyStore, ManifestSource
    from reconciler.render.style import Style


class PlanningPlace:
    """Store, manifests and identity of one configuration; a context manager."""

    def __init__(self, configuration: Configuration) -> None:
        """Open nothing yet."""
        self.configuration = configuration
        self.settings = configuration.settings
        self._opened = ExitStack()
        self._principals: dict[Trust, Principal] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    @cached_property
    def store(self) -> KeyStore:
        """Give the opened store; StoreOutdated where its tables are not this program's."""
        store = doors.open_store(self.settings)
        self._opened.callback(store.close)
        store.check()
        return store

    def principal(self, observed: ObservedState) -> Principal:
        """Give who runs this, as the policy in the store wants it known; asked once.

        Raises:
            IdentityRefused: the policy wants an identity token, and there is none to believe.
        """
        from reconciler.apply.authorization import known_by

        trust = known_by(observed.policy)
        if trust not in self._principals:
            found = doors.known(self.settings, observed.policy, self.store.now)
            self._principals[trust] = found.principal
        return self._principals[trust]

    def observe(self) -> ObservedState:
        """Read everything that the store holds of this manager."""
        return self.store.observe(self.settings.manager)

    def manifests(self, revision: str | None) -> ReadOnce:
        """Open the manifests of the working tree, or of a git revision."""
        return ReadOnce(doors.open_source(self.settings, revision))

    def quiet_plans(self, wish: PlanWish, source: ReadOnce, style: Style) -> QuietPlans | None:
        """Give what is remembered of such plans; None where nothing is kept."""
        from reconciler.bootstrap.program_stamp import program_stamp

        if self.settings.cache_folder is None or program_stamp() is None:
            return None
        from reconciler.bootstrap.quiet_plans import QuietPlans

        return QuietPlans(place=self, wish=wish, source=source, style=style)

    def prepare(self, wish: PlanWish, source: ManifestSource | None = None) -> Prepared:
        """Make a plan; only reads. `source`: the manifests, where they are opened already.

        Raises:
            ManifestsInvalid: with all problems.
        """
        from reconciler.apply.prepare import Wish, prepare
        from reconciler.manifest.aids import Aids

        return prepare(
            store=self.store,
            source=source or doors.open_source(self.settings, wish.revision),
            manager=self.settings.manager,
            wish=Wish(
                selection=wish.selection,
                environments=self._environments,
                allowed_removals=wish.allowed_removals,
                no_new_access=wish.no_new_access,
                brief=wish.brief,
            ),
            aids=Aids(
                memory=doors.open_memory(self.settings) if wish.cached else None,
                sharing=doors.second_process() if wish.shared else None,
            ),
        )

    def prepare_maintenance(self, wish: PlanWish) -> Prepared:
        """Plan what time brings; reads no manifest, for applied ones approved it."""
        from reconciler.apply.prepare import Prepared
        from reconciler.planning.planner import make_plan

        request = self._maintenance_request(wish.selection)
        return Prepared(plan=make_plan(request), request=request)

    def _maintenance_request(self, selection: Selection) -> PlanRequest:
        from reconciler.apply.prepare import nothing_declared

        return replace(
            nothing_declared(self.observe()), selection=selection, environments=self._environments
        )

    @property
    def _environments(self) -> tuple[str, ...]:
        return tuple(sorted(self.settings.environments or ()))
