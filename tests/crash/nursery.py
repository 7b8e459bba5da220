"""
A process that has everything imported and makes others: ``python nursery.py folder``.

Each line that it reads is a list of crash points (or null), one for each process that it starts at
the same time; it answers with a list of their ends, negative for a signal. Starting an interpreter
each time would cost half a second of processor for each kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from pathlib import Path

from tests.crash.load import Load
from valetkey.wiring import wire


async def live(folder: Path, name: str, crash_at: str | None) -> None:
    """Be a server until the crash point, or until the work is done."""
    environment = {} if crash_at is None else {"VALETKEY_CRASH_AT": crash_at}
    async with wire(folder, environment) as wired:
        await Load(wired.world, folder, name).work()


def start(folder: Path, name: str, crash_at: str | None) -> int:
    """Return the process id of a new server."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        asyncio.run(live(folder, name, crash_at))
        code = 0
    except BaseException:  # noqa: BLE001 - the parent's cleanup must not run here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until the input ends."""
    folder = Path(sys.argv[1])
    number = 0
    for line in sys.stdin:
        pids = []
        for crash_at in json.loads(line):
            number += 1
            pids.append(start(folder, f"p{number}", crash_at))
        ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        sys.stdout.write(json.dumps(ends) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
