"""Write docs/reference/openapi.json from the endpoint's own words; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from reconciler.server.openapi import openapi_document

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "openapi.json"


def text() -> str:
    """Give the whole file."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=True) + "\n"


def main() -> None:
    """Write the file, or say that it is behind."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text():
        sys.exit("docs/reference/openapi.json is behind: run python tools/openapi.py")


if __name__ == "__main__":
    main()
