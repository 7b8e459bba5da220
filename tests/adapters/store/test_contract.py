"""What the port promises of every store."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from valetkey.core.activity import NonceLine, SeenNonce
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Conflict, Unavailable
from valetkey.core.organization import Organization, User
from valetkey.ports import INDEXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.adapters.store.conftest import Store
    from valetkey.ports import Entity, Tx, Value, View


def credential(id_: str, fingerprint: str | None = None, organization: str = "o") -> Credential:
    """Return a credential with the fields that tests here look at."""
    return Credential(id_, organization, CredentialKind.SECRET, "", fingerprint, None, 1)


def put_credential(tx: Tx, id_: str, fingerprint: str) -> None:
    """Write a credential over what is there."""
    tx.put(credential(id_, fingerprint))


def add_all(tx: Tx, entities: Sequence[Entity]) -> None:
    """Add *entities* in one body."""
    for entity in entities:
        tx.add(entity)


def two_organizations(view: View, after: str, *, newest_first: bool) -> list[str]:
    """Return the ids of a small page."""
    page = view.find(Organization, parent_id=None, after=after, limit=2, newest_first=newest_first)
    return [entity.id for entity in page]


def everything(view: View) -> list[object]:
    """Return all that a store holds."""
    return [entity for kind in INDEXES for entity in view.find(kind)]


async def test_a_write_returns_what_its_body_made(store: Store) -> None:
    """Both doors give the caller the body's own result."""
    assert await store.write(lambda _: "made") == "made"
    assert await store.read(lambda _: "read") == "read"


async def test_what_is_not_there_is_none(store: Store) -> None:
    """Nothing is found in an empty store, and dropping nothing is no error."""
    await store.write(lambda tx: tx.drop(User, "nobody"))
    assert await store.read(lambda view: view.get(User, "nobody")) is None
    assert await store.read(lambda view: view.find(User, organization_id="nobody")) == []


async def test_put_replaces_and_moves_what_it_is_found_by(store: Store) -> None:
    """After a change an entity is found by its new values alone."""
    await store.write(lambda tx: tx.add(User("u", "o", "ann", 1)))
    await store.write(lambda tx: tx.put(User("u", "o", "bob", 1)))
    assert await store.read(lambda view: view.find(User, reference="ann")) == []
    assert await store.read(lambda view: view.find(User, reference="bob")) == [
        User("u", "o", "bob", 1)
    ]


@pytest.mark.parametrize("second", [credential("a", "y"), credential("b", "x")])
async def test_an_id_and_a_unique_value_are_there_once(store: Store, second: Credential) -> None:
    """`add` refuses what is taken, says which attribute, and changes nothing."""
    first = credential("a", "x")
    await store.write(lambda tx: tx.add(first))
    with pytest.raises(Conflict) as caught:
        await store.write(lambda tx: tx.add(second))
    attribute = "id" if second.id == first.id else "fingerprint"
    assert caught.value.code is Code.CONFLICT
    assert caught.value.facts == {"kind": "credential", "attribute": attribute}
    assert await store.read(everything) == [first]


async def test_put_takes_no_unique_value_from_another(store: Store) -> None:
    """Replacing is no way around a unique index, for a new entity and for one that is there."""
    await store.write(lambda tx: tx.add(credential("a", "x")))
    await store.write(lambda tx: tx.add(credential("b", "y")))
    for thief in ("b", "c"):
        with pytest.raises(Conflict):
            await store.write(partial(put_credential, id_=thief, fingerprint="x"))
    await store.write(lambda tx: tx.put(credential("a", "x", "other")))
    assert await store.read(everything) == [credential("a", "x", "other"), credential("b", "y")]


async def test_null_is_never_taken(store: Store) -> None:
    """Any number of entities may have no value in a unique index, and are found by that."""
    several = [credential("a"), credential("b"), credential("c", "x")]
    await store.write(partial(add_all, entities=several))
    found = await store.read(lambda view: view.find(Credential, fingerprint=None))
    assert found == several[:2]


async def test_a_body_that_raises_leaves_nothing(store: Store) -> None:
    """Inserts, changes and deletions are all undone, and the caller gets the very exception."""
    before = [User("a", "o", "ann", 1), User("b", "o", "bob", 1)]
    await store.write(partial(add_all, entities=before))
    error = LookupError("no")

    def body(tx: Tx) -> None:
        tx.drop(User, "a")
        tx.put(User("b", "p", "eve", 2))
        tx.put(User("b", "q", "eve", 3))
        tx.add(User("a", "o", "new", 2))
        tx.add(User("c", "o", "cid", 1))
        raise error

    with pytest.raises(LookupError) as caught:
        await store.write(body)
    assert caught.value is error
    assert await store.read(everything) == before
    assert await store.read(lambda view: view.find(User, reference="bob")) == before[1:]
    assert await store.read(lambda view: view.find(User, organization_id="p")) == []


async def test_a_body_may_go_on_after_a_conflict(store: Store) -> None:
    """A refused change leaves no trace of itself; what the body did before and after stays."""

    def body(tx: Tx) -> None:
        tx.add(credential("a", "x"))
        with pytest.raises(Conflict):
            tx.add(credential("b", "x"))
        tx.add(credential("c", "y"))

    await store.write(body)
    assert await store.read(everything) == [credential("a", "x"), credential("c", "y")]


async def test_a_body_sees_its_own_changes(store: Store) -> None:
    """Reading inside a write shows what the same body did."""

    def body(tx: Tx) -> list[User]:
        tx.add(User("a", "o", "ann", 1))
        tx.add(User("b", "o", "bob", 1))
        tx.drop(User, "a")
        return tx.find(User, organization_id="o")

    assert await store.write(body) == [User("b", "o", "bob", 1)]


async def test_a_body_that_raises_among_others_harms_none_of_them(store: Store) -> None:
    """Writes that wait together are still one by one: each takes effect or fails alone."""

    def body(tx: Tx, number: int) -> int:
        tx.add(NonceLine(f"{number:03}", number))
        if number % 3 == 0:
            raise LookupError(str(number))
        return number

    results = await asyncio.gather(
        *(store.write(partial(body, number=n)) for n in range(60)), return_exceptions=True
    )
    for number, result in enumerate(results):
        if number % 3:
            assert result == number
        else:
            assert isinstance(result, LookupError)
    lines = await store.read(lambda view: view.find(NonceLine))
    assert [line.next_nonce for line in lines] == [n for n in range(60) if n % 3]


def increment(tx: Tx) -> int:
    """Add one to a line and return what it was."""
    line = tx.get(NonceLine, "n") or NonceLine("n", 0)
    tx.put(NonceLine("n", line.next_nonce + 1))
    return line.next_nonce


async def test_no_update_is_lost_between_tasks(store: Store) -> None:
    """Reading and writing in one body is one step: every task sees another number."""

    async def task() -> list[int]:
        return [await store.write(increment) for _ in range(10)]

    seen = await asyncio.gather(*(task() for _ in range(30)))
    assert sorted(number for numbers in seen for number in numbers) == list(range(300))


async def test_a_write_that_returned_is_seen_by_the_next_read(store: Store) -> None:
    """Nobody reads an older state than the one that they were told of."""
    for number in range(50):
        assert await store.write(increment) == number
        read = await store.read(lambda view: view.get(NonceLine, "n"))
        assert read == NonceLine("n", number + 1)


async def test_a_view_has_no_way_to_write(store: Store) -> None:
    """What a read is given lacks the methods, and is not a `Tx` in disguise."""
    names = await store.read(dir)
    assert not {"add", "put", "drop"} & set(names)


async def test_a_view_ends_with_its_body(store: Store) -> None:
    """Kept for later it is refused, after success and after failure; so is a transaction."""
    kept: list[View] = []
    changing: list[Tx] = []

    def fail(view: View) -> None:
        kept.append(view)
        raise LookupError

    await store.read(kept.append)
    with pytest.raises(LookupError):
        await store.read(fail)
    await store.write(changing.append)
    for view in (*kept, *changing):
        with pytest.raises(RuntimeError, match="ended"):
            view.get(User, "u")
        with pytest.raises(RuntimeError, match="ended"):
            view.find(User)
        with pytest.raises(RuntimeError, match="ended"):
            view.count(User)
    with pytest.raises(RuntimeError, match="ended"):
        changing[0].put(User("u", "o", "", 1))
    assert await store.read(everything) == []


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_limit_out_of_range_is_refused(store: Store, limit: int) -> None:
    """An answer has 1 to 1000 entities."""
    with pytest.raises(ValueError, match="1 to 1000"):
        await store.read(lambda view: view.find(User, limit=limit))


@pytest.mark.parametrize("name", ["created_at", "id", "body", "nonsense"])
async def test_only_indexed_attributes_can_be_asked_for(store: Store, name: str) -> None:
    """A question that would walk through everything is a mistake, not a slow answer."""
    where: dict[str, Value] = {"reference": "x", name: 1}
    with pytest.raises(ValueError, match=name):
        await store.read(
            lambda view: view.find(User, after="", limit=1, newest_first=False, **where)
        )


async def test_ids_come_in_byte_order_page_by_page(store: Store) -> None:
    """Pages joined are everything once, in both directions, in the order of UTF-8."""
    ids = ["A", "a", "a\0", "aa", "b", "\x7f", "é", "\uffff", "\U0001f511"]
    await store.write(
        partial(add_all, entities=[Organization(id_, None, "", 1) for id_ in reversed(ids)])
    )
    for newest_first in (False, True):
        after, seen = "", list[str]()
        while page := await store.read(
            partial(two_organizations, after=after, newest_first=newest_first)
        ):
            seen += page
            after = seen[-1]
        assert seen == sorted(ids, key=str.encode, reverse=newest_first)


async def test_values_of_another_type_never_match(store: Store) -> None:
    """The text ``1`` is not the number 1, and bytes are not text."""
    await store.write(lambda tx: tx.add(User("u", "1", "ab", 1)))
    await store.write(lambda tx: tx.add(SeenNonce("n", "", 1)))
    assert await store.read(lambda view: view.find(User, organization_id=1)) == []
    assert await store.read(lambda view: view.find(User, reference=b"ab")) == []
    assert await store.read(lambda view: view.find(SeenNonce, forget_at="1")) == []


async def test_a_cancelled_caller_breaks_nothing(store: Store) -> None:
    """Cancelled before its turn a body does not run; the others do, and the store goes on."""
    ran: list[int] = []

    def body(tx: Tx, number: int) -> None:
        ran.append(number)
        increment(tx)

    tasks = [asyncio.create_task(store.write(partial(body, number=n))) for n in range(20)]
    await asyncio.sleep(0)  # all of them wait for their turn now
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 10
    assert sorted(ran) == list(range(1, 20, 2))
    assert await store.write(increment) == 10


async def test_a_closed_store_says_so(store: Store) -> None:
    """Before it is opened and after it was closed it refuses with `Unavailable`."""
    await store.check()
    await store.close()
    for attempt in (store.read(everything), store.write(increment), store.check()):
        with pytest.raises(Unavailable) as caught:
            await attempt
        assert caught.value.code is Code.STORE_UNAVAILABLE
    await store.close()
