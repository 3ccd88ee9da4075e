"""The floor under an HTTP endpoint: one Starlette route that answers the same bytes, knows no key
and looks at nothing, run by uvicorn as `keyrec serve` is, with uvicorn's own protocol.

    python -m benchmarks.bare PORT_FILE HEADERS_FILE
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main(port_file: Path, headers_file: Path) -> None:
    """Serve until a signal ends it."""
    headers = dict(json.loads(headers_file.read_text(encoding="utf-8")))

    async def authorize(_: Request) -> Response:
        return Response(headers=headers)

    config = uvicorn.Config(
        Starlette(routes=[Route("/v1/authorize", authorize)]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
    )
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        port_file.write_text(str(listening.getsockname()[1]), encoding="ascii")
        uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
