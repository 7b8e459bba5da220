"""
The process that works out answers, one after the other, until its input ends.

Its input is the names of addresses as one line of JSON, then a question a line; its output an
answer a line. It ends with the server, however that ends: its input closes.
"""

from __future__ import annotations

import signal
import sys
from typing import IO, TYPE_CHECKING

import msgspec

from valetkey.core.errors import Code, Malformed
from valetkey.http.calculus.answers import QUESTIONS
from valetkey.http.calculus.envelope import Answered, Asked

if TYPE_CHECKING:
    from collections.abc import Mapping


def work(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer every line of *questions*."""
    told: dict[str, str] = msgspec.json.decode(questions.readline(), type=dict[str, str])
    names = {bytes.fromhex(address): name for address, name in told.items()}
    for line in questions:
        answers.write(msgspec.json.encode(work_out(line, names)) + b"\n")
        answers.flush()


def work_out(line: bytes, names: Mapping[bytes, str]) -> Answered:
    """Return the answer to one line; what nobody foresaw has the code ``internal``."""
    try:
        asked = msgspec.json.decode(line, type=Asked)
        question = QUESTIONS[asked.name]
        answer = question.work_out(msgspec.json.decode(asked.body, type=question.body), names)
    except Malformed as error:
        return Answered(code=error.code.value, detail=error.detail)
    except Exception as error:  # noqa: BLE001 - the server tells it to its log, and goes on
        return Answered(code=Code.INTERNAL.value, detail=f"{type(error).__name__}: {error}")
    return Answered(answer=msgspec.Raw(msgspec.json.encode(answer)))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt at the terminal is the server's
    work(sys.stdin.buffer, sys.stdout.buffer)
