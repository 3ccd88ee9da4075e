"""pytest fixtures for a real PostgreSQL; `tests/conftest.py` makes them known to all tests.

One server runs for the whole session, or KEYREC_TEST_POSTGRES_URL names one whose role may create
schemas; every test gets a schema of its own. Without a server the tests are skipped and say why, or
fail where KEYREC_TEST_REQUIRE names `postgres`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text

from tests.services.postgres_server import PostgresAbsent, programs, running_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Give the URL of a server that runs for the whole session."""
    given = os.environ.get("KEYREC_TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    try:
        with running_server() as url:
            yield make_url(url)
    except PostgresAbsent as reason:
        _absent(f"no PostgreSQL: {reason}; or set KEYREC_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres_programs() -> Path:
    """Give the folder of a server's programs, for tests that stop and start one of their own."""
    try:
        return programs()
    except PostgresAbsent as reason:
        _absent(f"no PostgreSQL: {reason}")


def _absent(reason: str) -> NoReturn:
    if "postgres" in os.environ.get("KEYREC_TEST_REQUIRE", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_admin(postgres_server: URL) -> Iterator[Engine]:
    """Give connections of the server's own role, each statement committed at once."""
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_url(postgres_server: URL, postgres_admin: Engine) -> Iterator[str]:
    """Give the URL of an empty schema that ends with the test."""
    with own_schema(postgres_server, postgres_admin) as url:
        yield url


@contextmanager
def own_schema(server: URL, admin: Engine) -> Iterator[str]:
    """Give the URL of an empty schema that ends with the block."""
    schema = f"keyrec_{uuid.uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = server.update_query_dict({"options": f"-csearch_path={schema}"})
    yield url.render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
