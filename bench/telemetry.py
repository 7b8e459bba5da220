"""What log, metrics and traces cost a read and a write over HTTP. Use the ratios."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from valetkey.config import Rates
from valetkey.flows.organize import found
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.metrics import Metrics
from valetkey.telemetry.spans import Spans
from valetkey.telemetry.telemetry import Telemetry
from valetkey.wiring import make

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from valetkey.http.server import Serving

ROUNDS: Final = 9
READS: Final = 1500
WRITES: Final = 150
QUIET: Final = Settings(reconcile_s=0, rates=Rates(caller_per_s=10**6, caller_burst=10**7))
CALLER: Final = """
import socket, sys
port, count, text, name = sys.argv[1:]
caller = socket.create_connection(("127.0.0.1", int(port)))
answers = caller.makefile("rb")
for number in range(int(count)):
    caller.sendall(text.replace("NUMBER", f"{name}/{number}").encode())
    if not answers.readline().startswith(b"HTTP/1.1 20"):
        sys.exit(1)
    while (line := answers.readline()) != b"\\r\\n":
        if line.startswith(b"content-length: "):
            length = int(line[16:])
    answers.read(length)
"""


class Nowhere(SpanExporter):
    """Takes spans and drops them: what is measured is our part and the SDK's."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Drop *spans*."""
        del spans
        return SpanExportResult.SUCCESS


def kinds() -> dict[str, Telemetry]:
    """Return what is compared; the first is what the others are divided by."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    journal = Journal(bytes)
    return {
        "log of errors alone": Telemetry(Journal(bytes, level=Level.ERROR)),
        "log, no metrics, no traces": Telemetry(journal),
        "log and metrics": Telemetry(journal, metrics=Metrics()),
        "log, metrics and traces": Telemetry(journal, metrics=Metrics(), spans=Spans(provider)),
    }


async def ask(serving: Serving, secret: str, what: str, name: str) -> float:
    """Return the CPU seconds of this process for one request, asked by another process."""
    count = READS if what == "read" else WRITES
    command = (sys.executable, "-c", CALLER, str(serving.port), str(count), request(what, secret))
    started = time.process_time()
    caller = await asyncio.create_subprocess_exec(*command, name)
    if await caller.wait():
        raise RuntimeError(f"{what} of {name} failed")
    return (time.process_time() - started) / count


def request(what: str, secret: str) -> str:
    """Return a request that looks something up, or one that adds a user, durably."""
    who = f"host: x\r\nauthorization: Bearer {secret}\r\n"
    if what == "read":
        return f"GET /v1/users?limit=1 HTTP/1.1\r\n{who}\r\n"
    kind = "content-type: application/json\r\ncontent-length: 17\r\n"
    key = "idempotency-key: NUMBER\r\n\r\n"
    return f'POST /v1/users HTTP/1.1\r\n{who}{kind}{key}{{"reference":"a"}}'


async def measure(servings: dict[str, Serving], secret: str) -> None:
    """Print the median of CPU microseconds a request, and the ratio to the first kind."""
    spent: dict[tuple[str, str], list[float]] = {}
    for number in range(ROUNDS):
        for place, (name, serving) in enumerate(servings.items()):
            for what in ("read", "write"):
                took = await ask(serving, secret, what, f"{number}/{place}")
                spent.setdefault((name, what), []).append(took)
    for what in ("read", "write"):
        first = statistics.median(spent[next(iter(servings)), what])
        for name in servings:
            median = statistics.median(spent[name, what])
            print(f"{what:6} {name:28} {median * 1e6:8.1f} us   {median / first:.3f}")


async def main() -> None:
    """Measure on one store, the kinds in turn."""
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            wired = await stack.enter_async_context(make(Path(folder) / "home", "[chains]\n", {}))
            _, secret = await found(wired.world, name="bench")
            servings = {
                name: await stack.enter_async_context(
                    running(wired.world, settings=QUIET, telemetry=telemetry)
                )
                for name, telemetry in kinds().items()
            }
            await measure(servings, secret)


if __name__ == "__main__":
    asyncio.run(main())
