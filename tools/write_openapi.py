"""
Write docs/reference/openapi.json from the route table and the types that parse.

`python tools/write_openapi.py` prints it; with `--write` it replaces the one in docs. A test
compares the two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from valetkey import __version__
from valetkey.http.native.table import ROUTES
from valetkey.http.openapi import openapi_document

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"


def render() -> str:
    """Return the document as it is committed."""
    document = openapi_document(ROUTES, version=__version__)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render())
    else:
        print(render(), end="")
