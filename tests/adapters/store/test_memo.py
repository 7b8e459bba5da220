"""What the store remembers of a state is never of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.adapters.store import memo
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.organization import User

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.ports import View


def credential(fingerprint: str) -> Credential:
    """Return the one credential, with that fingerprint."""
    return Credential("crd", "org", CredentialKind.SECRET, "key", fingerprint, None, 1)


def by(fingerprint: str, view: View) -> list[Credential]:
    """Return who has that fingerprint, looked up as a proof is."""
    return view.find(Credential, fingerprint=fingerprint, limit=1)


async def test_what_was_read_is_not_read_again_until_somebody_writes(
    sqlite_store: SqliteStore,
) -> None:
    """The same question to the same state costs one reading; a write forgets the answer."""
    await sqlite_store.write(lambda tx: tx.add(User("u", "o", "ann", 1)))
    first = await sqlite_store.read(lambda view: view.get(User, "u"))
    assert await sqlite_store.read(lambda view: view.get(User, "u")) is first
    await sqlite_store.write(lambda tx: tx.add(User("v", "o", "bob", 1)))
    again = await sqlite_store.read(lambda view: view.get(User, "u"))
    assert again == first
    assert again is not first


async def test_what_another_store_changed_is_never_remembered(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """A key that another process took away opens nothing here, from its commit on."""
    other = SqliteStore(path)
    await other.open()
    await other.write(lambda tx: tx.add(credential("old")))
    for _ in range(2):
        assert await sqlite_store.read(lambda view: by("old", view)) == [credential("old")]
        assert await sqlite_store.read(lambda view: view.get(Credential, "crd"))
    await other.write(lambda tx: tx.put(credential("new")))
    assert await sqlite_store.read(lambda view: by("old", view)) == []
    assert await sqlite_store.read(lambda view: view.get(Credential, "crd")) == credential("new")
    await other.write(lambda tx: tx.drop(Credential, "crd"))
    assert await sqlite_store.read(lambda view: by("new", view)) == []
    assert await sqlite_store.read(lambda view: view.get(Credential, "crd")) is None
    await other.close()


async def test_a_write_decides_on_what_is_there_not_on_what_was_read(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """Checking and counting are in one transaction, which remembers nothing."""
    other = SqliteStore(path)
    await other.open()
    await other.write(lambda tx: tx.add(User("u", "o", "ann", 1)))
    await sqlite_store.read(lambda view: view.get(User, "u"))
    await other.write(lambda tx: tx.put(User("u", "o", "bob", 1)))
    assert await sqlite_store.write(lambda tx: tx.get(User, "u")) == User("u", "o", "bob", 1)
    await other.close()


async def test_a_store_that_was_closed_remembers_nothing(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """Versions of two connections have nothing to do with each other."""
    await sqlite_store.write(lambda tx: tx.add(User("u", "o", "ann", 1)))
    await sqlite_store.read(lambda view: view.get(User, "u"))
    await sqlite_store.close()
    other = SqliteStore(path)
    await other.open()
    await other.write(lambda tx: tx.put(User("u", "o", "bob", 1)))
    await other.close()
    await sqlite_store.open()
    assert await sqlite_store.read(lambda view: view.get(User, "u")) == User("u", "o", "bob", 1)


async def test_what_a_caller_does_with_its_answer_changes_no_other(
    sqlite_store: SqliteStore,
) -> None:
    """Each caller has a list of its own."""
    await sqlite_store.write(lambda tx: tx.add(credential("key")))
    (await sqlite_store.read(lambda view: by("key", view))).clear()
    (await sqlite_store.read(lambda view: by("key", view))).clear()
    assert await sqlite_store.read(lambda view: by("key", view)) == [credential("key")]


async def test_no_more_is_remembered_than_the_bound(sqlite_store: SqliteStore) -> None:
    """Whoever asks for very many things does not fill the memory with them."""
    ids = [f"u{number:05}" for number in range(memo.MAX_KEPT + 10)]
    for start in range(0, len(ids), 1000):
        some = ids[start : start + 1000]
        await sqlite_store.write(lambda tx, some=some: [tx.add(User(i, "o", i, 1)) for i in some])  # type: ignore[misc]
    first = await sqlite_store.read(lambda view: view.get(User, ids[0]))
    await sqlite_store.read(lambda view: [view.get(User, one) for one in ids])
    again = await sqlite_store.read(lambda view: view.get(User, ids[0]))
    assert again == first
    assert again is not first
