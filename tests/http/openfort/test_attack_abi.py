"""Types and answers that are made to keep the server busy, or to make it stumble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import parse

from tests.http.openfort.stage import refusal
from valetkey.core.errors import Malformed
from valetkey.core.permission.effects import selector_of
from valetkey.devchain.deploy import create
from valetkey.http.dialects.openfort.abi import calldata_of, functions_of
from valetkey.http.dialects.openfort.abi_bounds import MOST_TYPES, decoded
from valetkey.http.dialects.openfort.interactions import MAX_NAMES

if TYPE_CHECKING:
    from tests.http.openfort.game import Game

pytestmark = pytest.mark.asyncio(loop_scope="module")

NESTED: Final = "uint8[][][][][]"
WIDTH: Final = 10


def bomb() -> bytes:
    """Return what stands for 10,000 arrays, each level of which points to one and the same."""
    inner = bytes(32)
    for _ in range(NESTED.count("[") - 1):
        offsets = (32 * WIDTH).to_bytes(32) * WIDTH
        inner = WIDTH.to_bytes(32) + offsets + inner
    return (32).to_bytes(32) + inner


def answering(data: bytes) -> bytes:
    """Return what creates a contract that answers everything with *data*."""
    size = len(data).to_bytes(2).hex()
    runtime = bytes.fromhex(f"61{size}600f60003961{size}6000f300") + data
    whole = len(runtime).to_bytes(2).hex()
    return bytes.fromhex(f"61{whole}600e60003961{whole}6000f300") + runtime


async def test_an_answer_that_points_to_itself_is_refused(game: Game) -> None:
    """A few words of a contract do not keep the server busy for others."""
    address = "0x" + create(game.node.rpc, game.deployment.deployer, answering(bomb())).hex()
    look = {"type": "function", "name": "look", "stateMutability": "view", "inputs": []}
    abi = [{**look, "outputs": [{"type": NESTED}]}]
    stage = game.stage
    body = {"name": "Bomb", "chainId": stage.chain_id, "address": address, "abi": abi}
    path = f"/v1/contracts/{(await stage.made('/v1/contracts', body))['id']}/read"
    answer = await stage.sk.get(path, params={"functionName": "look"})
    assert refusal(answer)[:2] == (400, "call_reverted")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (NESTED, (((((1, 2), (3,)), ()),), ())),
        ("(string,bytes,uint8[3])[]", tuple(("", b"", (1, 2, 3)) for _ in range(200))),
        ("string[]", ("",) * 500),
    ],
)
async def test_what_is_encoded_honestly_is_read(kind: str, value: Any) -> None:  # noqa: ANN401
    """However deep or empty it is; and what is too short is not."""
    data = encode([kind], [value])
    assert decoded([kind], data) == (value,)
    with pytest.raises(DecodingError):
        decoded([kind], data[:64])


async def test_a_function_that_takes_nothing_can_be_called_in_full(game: Game) -> None:
    """As ``pause()``; a tuple of nothing is no type, and nothing breaks by it."""
    ada = await game.player()
    asked = await ada.intend({"to": game.address, "functionName": "pause()"})
    assert asked.status_code == 200, asked.text
    data = asked.json()["interactions"][0]["data"]
    assert data == "0x" + selector_of("pause()").hex()
    for name in ("f(())", "f(()[])", "f(uint8,())"):
        refused = await ada.intend({"to": game.address, "functionName": name})
        assert refusal(refused)[:2] == (400, "malformed_call")
    with pytest.raises(Malformed):
        functions_of([{"name": "f", "inputs": [{"type": "tuple", "components": []}]}])


async def test_names_of_functions_are_short_together(game: Game) -> None:
    """Types take long to read: nobody has thousands of them read with one request."""
    ada = await game.player()
    name = f"f({','.join(['uint256'] * 100)})"
    count = MAX_NAMES // len(name) + 1
    many = [{"to": game.address, "functionName": name}] * count
    status, code, said = refusal(await ada.intend(*many))
    assert (status, code) == (400, "malformed_call")
    assert said.startswith("interactions: expected functions of at most")


async def test_types_of_callers_are_forgotten() -> None:
    """A process that lives long does not remember each type that anybody ever wrote."""
    for length in range(1, MOST_TYPES + 100):
        with pytest.raises(Malformed):
            calldata_of(f"f(uint8[{length}])", [[]], [], lambda _text, _where: b"", "calls")
    assert parse.cache_info().currsize <= MOST_TYPES + 10
