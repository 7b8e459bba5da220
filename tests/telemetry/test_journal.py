"""The log of a server: what a line says, which are written, and that no secret is in any."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
import pytest

from valetkey.ports import begin_request, doing, what_for
from valetkey.telemetry.journal import Journal, JournalHandler, Level


def told(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return what was written; each line is one object and ends as one."""
    assert all(line.endswith(b"}\n") and line.count(b"\n") == 1 for line in lines)
    return [msgspec.json.decode(line) for line in lines]


@pytest.mark.parametrize("least", list(Level))
def test_lines_below_the_level_are_not_written(least: Level) -> None:
    """And those at it and above are, in their order."""
    lines: list[bytes] = []
    journal = Journal(lines.append, level=least)
    for level in Level:
        journal.note(level, "thing:done")
    written = [line["level"] for line in told(lines)]
    assert written == list(Level)[list(Level).index(least) :]
    assert journal.is_debug == (least is Level.DEBUG)


def test_a_text_of_a_stranger_ends_no_line() -> None:
    """Whoever can write a second line can write any line."""
    lines: list[bytes] = []
    forged = 'x"}\n{"level":"info","event":"session:revoked"}\r\n\u2028'
    Journal(lines.append).note("info", "thing:done", text=forged)
    (line,) = told(lines)
    assert line["text"] == forged


async def test_what_is_done_for_a_request_says_so_however_deep() -> None:
    """Tasks that it starts are its own; those of another request are not."""
    lines: list[bytes] = []
    journal = Journal(lines.append)

    async def step(name: str) -> None:
        await asyncio.sleep(0)
        journal.note("info", name)

    async def request(number: int) -> None:
        begin_request(f"req_{number}")
        await step("first")
        with doing(f"act_{number}"):
            await asyncio.gather(step("second"), step("third"))
        await step("last")

    await asyncio.gather(*(asyncio.create_task(request(number)) for number in range(5)))
    assert what_for() is None
    for number in range(5):
        ours = [line for line in told(lines) if line["request_id"] == f"req_{number}"]
        assert [(line["event"], line.get("activity_id")) for line in ours] == [
            ("first", None),
            ("second", f"act_{number}"),
            ("third", f"act_{number}"),
            ("last", None),
        ]


def test_what_libraries_warn_of_is_in_the_same_log() -> None:
    """With the places of its error; what they say below a warning is not."""
    lines: list[bytes] = []
    handler = JournalHandler(Journal(lines.append))
    logger = logging.getLogger("tests.a_library")
    logger.addHandler(handler)
    try:
        logger.info("quiet")
        try:
            int("why")
        except ValueError:
            logger.exception("loud")
        logger.critical("louder")
    finally:
        logger.removeHandler(handler)
    unforeseen, loud, louder = told(lines)
    assert (unforeseen["event"], unforeseen["kind"], unforeseen["text"]) == (
        "error:unforeseen",
        "ValueError",
        "invalid literal for int() with base 10: 'why'",
    )
    assert any("test_journal.py" in place for place in unforeseen["places"])
    assert (loud["level"], loud["text"], louder["level"]) == ("error", "loud", "error")
