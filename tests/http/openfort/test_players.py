"""Players: added, shown, listed, changed and taken out of sight, by their organization alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.http.openfort.stage import Stage, by, refusal, staged
from tests.worlds import dump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Stage]:
    """Give a server that speaks the format."""
    async with staged() as made:
        yield made


async def test_a_player_is_what_was_noted_of_it(there: Stage) -> None:
    """By JSON or by a form, and shown the same by each look."""
    noted = {"name": "Ada", "description": "first", "metadata": {"level": 3, "guild": "red"}}
    made = await there.made("/v1/players", noted)
    form = {"name": "Ada", "description": "first", "metadata[level]": "3", "metadata[guild]": "red"}
    answer = await there.sk.post("/v1/players", data=form)
    for one, level in ((made, 3), (answer.json(), "3")):
        assert one.pop("id").startswith("pla_")
        assert isinstance(one.pop("createdAt"), int)
        metadata = {"guild": "red", "level": level}
        assert one == {"object": "player", **noted, "metadata": metadata}
    again = await there.made("/v1/players", noted)
    assert await there.got(f"/v1/players/{again['id']}") == again


async def test_one_without_anything_noted_has_an_empty_name(there: Stage) -> None:
    """The vendor's clients send no body at all."""
    answer = await there.sk.post("/v1/players")
    assert answer.status_code == 200
    assert answer.json()["name"] == ""
    assert {*answer.json()} == {"id", "object", "createdAt", "name"}


async def test_a_user_of_the_native_api_is_a_player(there: Stage) -> None:
    """There is one set of users, whoever asks."""
    headers = {"idempotency-key": "native-user-here"}
    user = await there.native.post("/v1/users", json={"reference": "Bo"}, headers=headers)
    assert user.status_code == 201
    named = await there.got("/v1/players", name="Bo")
    assert (named["total"], named["data"][0]["name"]) == (1, "Bo")
    made = await there.made("/v1/players", {"name": "Native too"})
    users = (await there.native.get("/v1/users")).json()["items"]
    assert users[0]["reference"] == made["name"]


async def test_what_is_noted_changes_by_name(there: Stage) -> None:
    """What is not named stays; an empty value takes one name away, empty metadata all."""
    made = await there.made("/v1/players", {"name": "Cy", "metadata": {"a": "1", "b": "2"}})
    path = f"/v1/players/{made['id']}"
    assert (await there.made(path, {"metadata": {"a": ""}}))["metadata"] == {"b": "2"}
    assert (await there.made(path, {"description": "x"}))["metadata"] == {"b": "2"}
    cleared = await there.sk.post(path, data={"metadata": ""})
    assert cleared.status_code == 200
    assert "metadata" not in cleared.json()
    shown = await there.got(path)
    assert (shown["name"], shown["description"], "metadata" in shown) == ("Cy", "x", False)


async def test_one_that_is_deleted_is_there_no_more(there: Stage) -> None:
    """Nor counted; the second time there is nothing to delete."""
    made = await there.made("/v1/players", {"name": "Gone"})
    before = (await there.got("/v1/players"))["total"]
    path = f"/v1/players/{made['id']}"
    deleted = await there.sk.delete(path)
    assert deleted.json() == {"id": made["id"], "object": "player", "deleted": True}
    assert (await there.got("/v1/players"))["total"] == before - 1
    assert (await there.got("/v1/players", name="Gone"))["total"] == 0
    for answer in (await there.sk.get(path), await there.sk.delete(path)):
        assert refusal(answer)[:2] == (404, "not_found")
    assert "Gone" not in str((await dump(there.world))["Profile"])


async def test_a_list_is_a_window_with_a_true_total() -> None:
    """In either order, from anywhere, also behind the end."""
    async with staged() as there:
        names = [f"p{number}" for number in range(7)]
        for name in names:
            await there.made("/v1/players", {"name": name})

        async def asked(**query: str | int) -> tuple[list[str], int, int, int]:
            told = await there.got("/v1/players", **query)
            assert (told["object"], told["url"]) == ("list", "/v1/players")
            shown = [one["name"] for one in told["data"]]
            return shown, told["start"], told["end"], told["total"]

        assert await asked() == (names[::-1], 0, 7, 7)
        assert await asked(order="asc", limit=3) == (names[:3], 0, 3, 7)
        assert await asked(order="asc", limit=3, skip=5) == (names[5:], 5, 7, 7)
        assert await asked(skip=9) == ([], 7, 7, 7)
        assert await asked(name="p4") == (["p4"], 0, 1, 1)
        whole = await there.got("/v1/players", expand="accounts,transactionIntents", limit=1)
        assert (whole["data"][0]["accounts"], whole["data"][0]["transactionIntents"]) == ([], [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 257}, "name"),
        ({"name": "\x1b[2J"}, "name"),
        ({"name": 7}, "name"),
        ({"description": "a" * 1025}, "description"),
        ({"metadata": {"a": ["b"]}}, "metadata[...]"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"a": "b" * 501}}, "metadata.a"),
        ({"metadata": {"a" * 65: "b"}}, f"metadata.{'a' * 40}"),
        ({"metadata": {str(one): "b" for one in range(51)}}, "metadata"),
        ({"metadata": {"a": 1e300}}, "metadata.a"),
        ([], None),
    ],
)
async def test_what_cannot_be_noted_is_refused(
    there: Stage, body: object, field: str | None
) -> None:
    """A 400 that names the field, and nothing is changed."""
    before = await dump(there.world)
    answer = await there.sk.post("/v1/players", json=body)
    status, _, message = refusal(answer)
    assert status == 400, message
    if field is not None:
        assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(there.world) == before


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 101}, {"skip": -1}, {"order": "up"}, {"expand": "everything"}],
)
async def test_a_list_that_is_asked_for_wrongly_is_refused(
    there: Stage, query: dict[str, str]
) -> None:
    """The field is named."""
    answer = await there.sk.get("/v1/players", params=query)
    assert refusal(answer)[0] == 400
    (field,), (name,) = answer.json()["error"]["details"], query
    assert field.startswith(name)


async def test_nobody_else_reaches_a_player(there: Stage) -> None:
    """Not without a key, not by a publishable or a native one, not from another organization."""
    made = await there.made("/v1/players", {"name": "Mine"})
    path = f"/v1/players/{made['id']}"
    before = await dump(there.world)
    for method, at in (
        *(("GET", path), ("POST", path), ("DELETE", path)),
        *(("GET", "/v1/players"), ("POST", "/v1/players")),
    ):
        native = await there.nobody.request(method, at, headers=by(there.keys.founded.secret))
        assert refusal(native)[:2] == (401, "proof_refused")
        assert refusal(await there.nobody.request(method, at))[:2] == (401, "proof_missing")
        assert refusal(await there.pk.request(method, at))[:2] == (400, "not_allowed")
        if at == path:
            theirs = await there.nobody.request(method, at, headers=by(there.others.sk))
            assert refusal(theirs)[:2] == (404, "not_found")
    assert (await there.nobody.get("/v1/players", headers=by(there.others.sk))).json()["data"] == []
    assert await dump(there.world) == before
