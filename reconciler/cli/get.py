"""`keyrec get`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option, name_argument
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, NotFound

if TYPE_CHECKING:
    from reconciler.bootstrap.workplace import Workplace
    from reconciler.model.keys import KeyRecord
    from reconciler.model.uses import UseMark
    from reconciler.render.key_uses import Seen


@click.command(cls=KeyrecCommand)
@name_argument
@format_option("text", "json")
@click.pass_obj
def command(session: Session, *, name: str, form: str) -> ExitCode:
    """Show one key with everything that the store knows: fields, versions, next rotation, last use.

    NAME is `workspace/name`, or the name alone where only one workspace has it. The secret is in
    the sink, at the path that is shown, and nowhere else.
    """
    from reconciler.cli.names import find_address
    from reconciler.render.keys import key_json, key_text

    with session.workplace() as place:
        address = find_address(place.store, name)
        records = place.store.find(address)
        if not records:
            raise NotFound(f"There is no key {address}.", advice="`keyrec status` lists the keys.")
        record = records[0]
        seen = _seen(place, record)
        now = place.store.now()
    if form == "json":
        session.show(key_json(record, now, seen=seen))
    else:
        session.show(key_text(record, now, session.style, seen=seen))
    return ExitCode.DONE


def _seen(place: Workplace, record: KeyRecord) -> Seen:
    """Read what verifiers have reported of a key."""
    from reconciler.render.key_uses import Seen

    marks: defaultdict[str, list[UseMark]] = defaultdict(list)
    for mark in place.store.use_marks(frozenset(v.version_id for v in record.versions)):
        marks[mark.version_id].append(mark)
    newest_first = {version_id: tuple(found) for version_id, found in marks.items()}
    observed = place.observe()
    return Seen(until=observed.uses_until, since=observed.uses_since, marks=newest_first)
