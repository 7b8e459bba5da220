"""What the pages have people type is there: every command, option and route that they name."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

import click
import pytest

from tests.docs.test_every_block import PAGES, ROOT, ROUTES, blocks
from valetkey.cli import main
from valetkey.http.dialects.openfort.face import ROUTES as OPENFORT_ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_INLINE: Final = re.compile(r"`([^`\n]+)`")
_TYPED: Final = re.compile(r"(?:^|[\s/(])valetkey (?!import )([a-z].*)$")
_ROUTE: Final = re.compile(r"(GET|POST) (/[^\s?]+)")
_END: Final = re.compile(r"#|\||\)|&&|;|  ")  # what follows is no part of the command
# Texts that are signed or hashed, and begin like a command.
_LABELS: Final = {
    "valetkey archive manifest",
    "valetkey organization archive",
    "valetkey pin key v1",
    "valetkey pin proof v1",
    "valetkey share",
}
# Pages for those who know a vendor's routes name these, too.
OURS: Final = [page for page in PAGES if "/coming-from-" not in page]
_PATHS: Final = {(method, re.sub(r"\{[^}]*\}", "…", path)) for method, path in ROUTES}
# The page on a vendor's format names its routes, beside ours.
_OPENFORT: Final = "docs/reference/openfort.md"
_THEIRS: Final = {(one.method, re.sub(r"\{[^}]*\}", "…", one.path)) for one in OPENFORT_ROUTES}


def typed(page: str) -> Iterator[str]:
    """Yield what follows ``valetkey`` in each command line that *page* shows."""
    text = (ROOT / page).read_text()
    shown = [block for language, block in blocks(page) if language != "python"]
    lines = [line for block in shown for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *(one for one in _INLINE.findall(text) if one not in _LABELS)]:
        found = _TYPED.search(line)
        if found:
            yield _END.split(found[1])[0].strip()


def problem_of(line: str) -> str | None:
    """Return what of a command line is no command or option of ours, or None."""
    words = line.split()
    command: click.Command = main
    for at, word in enumerate(words):
        if not isinstance(command, click.Group):
            known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            ours = itertools.takewhile("--".__ne__, words[at:])
            given = {one.partition("=")[0] for one in ours if one.startswith("-")}
            return ", ".join(sorted(given - known - {"--help"})) or None
        if word in {"…", "COMMAND"} or word.startswith("-"):
            return None
        found = command.get_command(click.Context(command), word)
        if found is None:
            return f"{word} (of: {line})"
        command = found
    return None


def commands(command: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every command by its words."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, (*path, name))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one_that_the_program_takes(page: str) -> None:
    """Its words, and the options behind them; what only looks like one stands in `_LABELS`."""
    assert [line for line in typed(page) if problem_of(line)] == []


def test_what_is_no_command_is_seen() -> None:
    """The test above would fail for a command, a verb or an option that is not there."""
    assert len([line for page in PAGES for line in typed(page)]) > len(PAGES)
    for line in ("sesion open", "session opne", "session open --acount x", "keys rotate"):
        assert problem_of(line), line
    assert problem_of("session open --account x --ttl=1h") is None


@pytest.mark.parametrize("page", OURS)
def test_every_route_that_a_page_names_is_there(page: str) -> None:
    """In running text and tables; ``…`` at the end stands for several."""
    text = (ROOT / page).read_text()
    named = [one for inline in _INLINE.findall(text) for one in _ROUTE.findall(inline)]
    paths = _PATHS | _THEIRS if page == _OPENFORT else _PATHS
    assert [f"{method} {path}" for method, path in named if not is_there(method, path, paths)] == []


def is_there(method: str, path: str, paths: AbstractSet[tuple[str, str]] = _PATHS) -> bool:
    """Say whether the server has the route, or some that begin as *path* does before its ``…``."""
    plain = re.sub(r"\{[^}]*\}", "…", path)
    several = plain.removesuffix("…") if plain.endswith("/…") else None
    return (method, plain) in paths or (
        several is not None
        and any((one, two[: len(several)]) == (method, several) for one, two in paths)
    )


def test_the_reference_names_every_command() -> None:
    """A table with a row for each, or for several verbs of one group."""
    page = (ROOT / "docs/reference/command-line.md").read_text()
    rows = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \|", page, re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        group = ""
        for words in re.findall(r"`(.+?)`", row):
            group, verb = words.rsplit(" ", 1) if " " in words else (group, words)
            named.add(f"{group} {verb}".strip())
    assert set(commands()) - named == set()
