"""A store in one SQLite file, shared by any number of processes of one machine."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic

from valetkey.adapters.store.faults import is_busy, unavailable
from valetkey.adapters.store.files import begin, open_reader, open_writer
from valetkey.adapters.store.memo import Memo
from valetkey.adapters.store.migrations import expect_schema
from valetkey.adapters.store.views import SqliteTx, SqliteView
from valetkey.core.errors import Code, Unavailable
from valetkey.ports import T

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from valetkey.ports import Checkpoint, Tx, View

LOCK_WAIT_S: Final = 10.0
MAX_GROUP: Final = 256  # bodies that share one commit
SHARED_S: Final = 0.005  # how old a state that reads share may be, should a turn take long
_TURN: Final = 16  # bodies after which the event loop may do something else


class _Job(Generic[T]):
    """A body that waits for its commit, and what it made or raised."""

    __slots__ = ("body", "committed", "error", "value")

    def __init__(self, body: Callable[[Tx], T], committed: asyncio.Future[None]) -> None:
        self.body = body
        self.committed = committed
        self.value: T
        self.error: BaseException | None = None


class SqliteStore:
    """
    See `Store`. Belongs to the event loop that opened it.

    Reads run at once, on a connection of their own that can change nothing. Those of one turn of
    the event loop share a transaction, for to begin and end one costs more than to look something
    up. Whoever was told of a write, by any process, can only ask in a later turn.

    Writes that wait together share a commit: one transaction, in it a savepoint for each body, and
    nobody is answered before the disk has it all. Bodies run on the event loop, because a thread
    would wait for the interpreter's lock after each statement; waiting for the disk and for other
    processes is left to a thread.

    Args:
        path: The file; it is made, for its owner only, in a directory that must be there.
        checkpoint: Told ``store:before_commit`` and ``store:after_commit``.
        wait_s: How long a write waits for other processes.
        on_commit: Told of each commit how many writes shared it, and how many seconds it took.
    """

    def __init__(
        self,
        path: Path,
        *,
        checkpoint: Checkpoint | None = None,
        wait_s: float = LOCK_WAIT_S,
        on_commit: Callable[[int, float], None] | None = None,
    ) -> None:
        self._path = path
        self._on_commit = on_commit
        self._checkpoint = checkpoint
        self._wait_s = wait_s
        self._queue: deque[_Job[Any]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._memo = Memo()
        self._shared_until = 0.0

    async def open(self) -> None:
        """
        Have the file ready, made or migrated as needed, and take reads and writes from now on.

        Raises:
            Unavailable: It cannot be; the detail says why.
        """
        if self._thread is not None:
            raise RuntimeError("the store is open already")
        loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="valetkey-store")
        try:
            self._writer = await loop.run_in_executor(
                self._thread, lambda: open_writer(self._path, wait_s=self._wait_s)
            )
            self._reader = open_reader(self._path, wait_s=self._wait_s)
            self._memo = Memo()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish the writes that wait, then refuse everything. Closing twice is no error."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        if self._pump is not None:
            await asyncio.wait({self._pump})
        writer, self._writer = self._writer, None
        thread, self._thread = self._thread, None
        if writer is not None and thread is not None:
            await asyncio.wrap_future(thread.submit(writer.close))
        if thread is not None:
            thread.shutdown()

    async def read(self, body: Callable[[View], T]) -> T:
        """See `Store.read`."""
        reader = self._reader
        if reader is None:
            raise _not_open()
        view = SqliteView(reader, self._memo)
        try:
            self._share_state(reader)
            return body(view)
        except sqlite3.Error as error:
            self._end_shared()
            raise unavailable(error) from error
        finally:
            view.end()
            if view.fault is not None:
                self._end_shared()

    def _share_state(self, reader: sqlite3.Connection) -> None:
        """
        Have *reader* in a transaction that began in this turn of the event loop.

        Its end is queued at once, and so comes before anybody is told of a write that is not in it.
        """
        now = time.monotonic()
        if reader.in_transaction and now < self._shared_until:
            return
        if reader.in_transaction:
            reader.execute("COMMIT")
        else:
            asyncio.get_running_loop().call_soon(self._end_shared)
        reader.execute("BEGIN")
        self._shared_until = now + SHARED_S
        self._memo.enter(reader)

    def _end_shared(self) -> None:
        reader = self._reader
        if reader is not None and reader.in_transaction:
            with suppress(sqlite3.Error):  # the next read meets it again, and says so
                reader.execute("COMMIT")

    async def write(self, body: Callable[[Tx], T]) -> T:
        """See `Store.write`. Cancelled before its turn, *body* does not run."""
        if self._reader is None:
            raise _not_open()
        loop = asyncio.get_running_loop()
        job = _Job(body, loop.create_future())
        self._queue.append(job)
        if self._pump is None or self._pump.done():
            self._pump = loop.create_task(self._work())
        await job.committed
        if job.error is not None:
            raise job.error
        return job.value

    async def check(self) -> None:
        """See `Store.check`. Another process may have migrated the file under this one."""
        if self._reader is None:
            raise _not_open()
        try:
            expect_schema(self._reader)
        except sqlite3.Error as error:
            raise unavailable(error) from error
        await self.write(_nothing)

    async def _work(self) -> None:
        """Commit what is queued, in groups, until nothing is."""
        while self._queue:
            jobs = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_GROUP))]
            fault = await self._commit_group(jobs)
            for job in jobs:
                if not job.committed.done():
                    _answer(job, fault)

    async def _commit_group(self, jobs: list[_Job[Any]]) -> BaseException | None:
        """Run *jobs* and commit them; return why nothing of it counts, or None."""
        if self._writer is None or self._thread is None:
            return _not_open()
        loop, started = asyncio.get_running_loop(), time.perf_counter()
        try:
            await self._begin(self._writer)
            for count, job in enumerate(jobs, start=1):
                if not job.committed.cancelled():
                    _run(self._writer, job)
                if count % _TURN == 0:
                    await asyncio.sleep(0)
            await loop.run_in_executor(self._thread, self._commit, self._writer)
        except Exception as error:  # noqa: BLE001 - the callers get it; they would wait for ever
            with suppress(sqlite3.Error):  # then the next group fails at its start and tries again
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            return unavailable(error) if isinstance(error, sqlite3.Error) else error
        if self._on_commit is not None:
            self._on_commit(len(jobs), time.perf_counter() - started)
        return None

    async def _begin(self, writer: sqlite3.Connection) -> None:
        try:
            writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: begin(writer, wait_s=self._wait_s)
            )

    def _commit(self, writer: sqlite3.Connection) -> None:
        if self._checkpoint is not None:
            self._checkpoint.reached("store:before_commit")
        writer.execute("COMMIT")
        if self._checkpoint is not None:
            self._checkpoint.reached("store:after_commit")


def _run(writer: sqlite3.Connection, job: _Job[Any]) -> None:
    """
    Leave what the body of *job* changed in the transaction, or nothing of it if it raised.

    Raises:
        Unavailable: SQLite failed under it, whatever the body made of that.
    """
    tx = SqliteTx(writer)
    writer.execute("SAVEPOINT body")
    try:
        job.value = job.body(tx)
    except BaseException as error:  # noqa: BLE001 - whatever it is, its caller gets it
        job.error = error
    finally:
        tx.end()
    if tx.fault is not None:
        raise tx.fault
    if job.error is not None:
        writer.execute("ROLLBACK TO body")
    writer.execute("RELEASE body")


def _answer(job: _Job[Any], fault: BaseException | None) -> None:
    if fault is None:
        job.committed.set_result(None)
    else:
        job.committed.set_exception(fault)


def _nothing(tx: Tx) -> None:
    """Change nothing; the lock for writing is taken all the same."""


def _not_open() -> Unavailable:
    return Unavailable(Code.STORE_UNAVAILABLE, "the store is not open")
