"""
Write docs/reference/grant-vectors/ from the codec and the grants of tools/grant_vectors.

`python -m tools.write_vectors` says which files differ; with `--write` it replaces them. A test
compares them. `annotated.json` is written by hand and only read here.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from tools.grant_vectors import control, executions, grants, malformed, runs, slots, trees
from tools.grant_vectors.json_form import hexed
from tools.grant_vectors.samples import ACCOUNT, CHAIN_ID, FOLDER, OWNER_SECRET, SESSION_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

_BUILDERS: Final[dict[str, Callable[[], object]]] = {
    "grants": grants.build,
    "malformed-grants": malformed.build,
    "trees": trees.build,
    "runs": runs.build,
    "slots": slots.build,
    "control": control.build,
    "executions": executions.build,
}
_COMMON: Final = {
    "format": "valetkey grant format, version 1: docs/reference/grant-format.md",
    "chain_id": CHAIN_ID,
    "account": hexed(ACCOUNT),
    "owner_secret": hexed(OWNER_SECRET),
    "session_secret": hexed(SESSION_SECRET),
}


def render() -> dict[str, str]:
    """Return each file as it is committed, by its name."""
    return {
        f"{name}.json": json.dumps({**_COMMON, "vectors": build()}, indent=1) + "\n"
        for name, build in _BUILDERS.items()
    }


if __name__ == "__main__":
    for file, text in render().items():
        path = FOLDER / file
        if path.exists() and path.read_text() == text:
            continue
        print(f"{file} differs")
        if "--write" in sys.argv[1:]:
            path.write_text(text)
