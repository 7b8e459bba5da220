"""
Write docs/reference/access.md: who is let in where, and what the others are answered.

`python -m tools.write_access` prints it; with `--write` it replaces the one in docs. A test
compares the two, and another asks a running server all of it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tests.http.doors import CODES, read_table
from valetkey.core.errors import Code
from valetkey.http.problem import TITLES

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "access.md"
HEAD: Final = """# Who gets in where

Every route under every kind of proof. Each request here is well-formed and asks for a thing of one
organization; what is not `yes` is refused with the code that the word stands for, and changes
nothing. A route that names no thing acts on the caller's own organization, whichever that is.
`own` is the route asked for the session that asks, or for what is below it. Made by
`tools/write_access.py` from `tests/http/doors.py`; a test asks a running server all of it. Keys are
an owner's here, and sessions name no scopes; what other roles may do, and what sessions that name
scopes may not, is in [roles](roles.md)."""

WHO: Final = {
    "Keys and organizations": {
        "anonymous": "no proof",
        "link": "a consent link",
        "publishable": "a publishable key",
        "secret": "a secret key",
        "p256": "a P-256 credential, which signs",
        "parent": "a secret key of the organization above",
        "grandparent": "and of the one above that",
        "below": "a secret key of an organization below",
        "stranger": "a secret key of another organization",
    },
    "Sessions in use": {
        "bearer": "a token; reads",
        "stamp_read": "signed requests; reads",
        "stamp_write": "signed requests; writes",
        "chain": "a key that its account's contract checks; writes",
        "child": "under another session, signed requests; writes",
        "dpop": "a token that is bound to a key (DPoP), of a session that reads",
        "dpop_write": "the same of a session that writes",
    },
    "Sessions that are not": {
        "token_alone": "a token that is bound to a key, without its proof",
        "pending": "waits for its owner",
        "early": "has not started",
        "frozen": "is frozen",
        "expired": "is over",
        "revoked": "was revoked",
        "under_revoked": "stands under one that was revoked",
        "closed": "was given back",
    },
}
WORDS: Final = {"yes": "It happens.", "-": "Not asked: there is nothing of its own."}


def render() -> str:
    """Return the page."""
    return "\n\n".join([HEAD, _words(), _for_everybody(), *(_group(name) for name in WHO)]) + "\n"


def _words() -> str:
    rows = [f"| `{word}` | | {said} |" for word, said in WORDS.items()]
    rows += [f"| `{word}` | `{code}` | {TITLES[Code(code)]}. |" for code, word in CODES.items()]
    return "\n".join(["| word | code | means |", "|---|---|---|", *rows])


def _group(name: str) -> str:
    kinds = WHO[name]
    who = [f"| `{kind}` | {said} |" for kind, said in kinds.items()]
    head = f"| route | {' | '.join(f'`{kind}`' for kind in kinds)} |"
    rows = [_row(row, words, kinds) for row, words in read_table().items() if _is_for_some(words)]
    table = [head, "|---" * (len(kinds) + 1) + "|", *rows]
    return "\n".join([f"## {name}", "", "| | who |", "|---|---|", *who, "", *table])


def _row(row: str, words: dict[str, str], kinds: dict[str, str]) -> str:
    route = row.removesuffix(" own")
    named = f"`{route}`" if row == route else f"`{route}` own"
    return f"| {named} | {' | '.join(words[kind] for kind in kinds)} |"


def _for_everybody() -> str:
    rows = [f"- `{row}`" for row, words in read_table().items() if not _is_for_some(words)]
    return "\n".join(["## For everybody, without a proof", "", *rows])


def _is_for_some(words: dict[str, str]) -> bool:
    return set(words.values()) != {"yes"}


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render())
    else:
        print(render(), end="")
