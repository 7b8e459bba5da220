"""
Write docs/reference/permission.schema.json from the types that parse.

`python tools/write_permission_schema.py` prints it; with `--write` it replaces the one in docs. A
test compares the two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from valetkey.wire.permission_schema import permission_schema

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "permission.schema.json"


def render() -> str:
    """Return the schema as it is committed."""
    return json.dumps(permission_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render())
    else:
        print(render(), end="")
