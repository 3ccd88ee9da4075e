"""Writes of policy, workspaces, networks and the scope catalogue on SQL."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from reconciler.adapters.sql_records import json_text
from reconciler.adapters.sql_rows import ResourceRow
from reconciler.adapters.sql_wanted import resource_id
from reconciler.adapters.sql_work import Work
from reconciler.model.resources import Resource, document_of
from reconciler.model.writes import PutResource, RemoveResource, WriteRefusal

ResourceWrite: TypeAlias = PutResource | RemoveResource


def write_resource(work: Work, write: ResourceWrite) -> WriteRefusal | None:
    """Do one write of a resource, or say why not."""
    match write:
        case PutResource():
            return _put(work, write)
        case RemoveResource():
            return _remove(work, write)
        case _:
            assert_never(write)


def _put(work: Work, write: PutResource) -> WriteRefusal | None:
    row_id = resource_id(write.resource.address)
    stored = work.resources.get(row_id)
    if (None if stored is None else stored["fingerprint"]) != write.base:
        return WriteRefusal.RECORD_CHANGED
    put_resource(work, write.resource)
    return None


def put_resource(work: Work, resource: Resource) -> None:
    """Store a resource, whatever was there."""
    row_id = resource_id(resource.address)
    if work.resources.get(row_id) is None:
        work.resources.insert(row_id, _row(work, resource))
    else:
        work.resources.change(row_id).update(_row(work, resource))


def _remove(work: Work, write: RemoveResource) -> WriteRefusal | None:
    row_id = resource_id(write.address)
    stored = work.resources.get(row_id)
    if stored is None:
        return WriteRefusal.NOT_FOUND
    if stored["fingerprint"] != write.base:
        return WriteRefusal.RECORD_CHANGED
    work.resources.drop(row_id)
    return None


def _row(work: Work, resource: Resource) -> ResourceRow:
    address = resource.address
    return ResourceRow(
        kind=address.kind,
        workspace=address.workspace or "",
        name=address.name,
        manager=resource.manager,
        document=json_text(document_of(resource.body)),
        fingerprint=resource.fingerprint,
        changed_at=work.now,
    )
