"""Whatever is sent to whichever route, it is answered or refused in the vendor's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.http.openfort.stage import Stage, by, refusal, staged
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.face import ROUTES
from valetkey.http.routes import parameters_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
BODIES: Final[tuple[tuple[str, bytes], ...]] = (
    (JSON, b""),
    (JSON, b"null"),
    (JSON, b"[]"),
    (JSON, b"{"),
    (JSON, b'{"a": 1e400}'),
    (JSON, b'{"chainId": 1e400, "address": 7, "name": 1, "signature": {}, "player": []}'),
    (JSON, b'{"chainId": 340282366920938463463374607431768211456}'),
    (JSON, b'{"chainId": -1, "account": "acc_", "player": "pla_", "validUntil": 1e30}'),
    (JSON, b'{"chainId": 31337, "interactions": [[]], "whitelist": {"a": 1}, "policy": "\\u0000"}'),
    (
        JSON,
        b'{"chainId": 31337, "interactions": [{"value": 1.5, "functionArgs": [{"a": [null]}]}]}',
    ),
    (
        JSON,
        b'{"metadata": {"": null}, "abi": [{}], "rules": [{}], "strategy": 7, "name": "\\u202e"}',
    ),
    (FORM, b"a"),
    (FORM, b"chainId=%ff&name=%00"),
    (FORM, b"chainId=99999999999999999999999999999999&address=%00&signature=%00"),
    (FORM, b"interactions[0][functionArgs][0][a]=1&interactions[0][value]=-1&chainId=31337"),
    (FORM, b"whitelist[a]=1&strategy=a&rules[0]=1&metadata[a]=1&abi[0]=1"),
    ("text/plain", b"a"),
)
QUERIES: Final = (
    "limit=a",
    "limit=99999999999999999999",
    "skip=-1",
    "expand[a]=1",
    "expand=%ff",
    "player=%00&account=%00",
    "chainId=1e9&address=0x",
    "functionName=%00&functionArgs[0][a]=1",
    "a[b]=1&a=2",
)
IDS: Final = ("0", "%00", "%ff", "pla_", f"{ids.SESSION}00000000-0000-8000-8000-000000000000")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


async def send(there: Stage, method: str, path: str, kind: str, body: bytes) -> None:
    """Send one request with each key; fail unless the answer is one of the vendor's form."""
    for key in (there.keys.sk, there.keys.pk):
        fields = {**by(key), "content-type": kind}
        answer = await there.nobody.request(method, path, content=body, headers=fields)
        assert answer.status_code < 500, (method, path, kind, body, answer.text)
        if answer.status_code >= 400:
            assert refusal(answer)[0] in {400, 401, 404, 409, 429}


@pytest.mark.parametrize(
    ("method", "template"), [(one.method, one.path) for one in ROUTES], ids=lambda one: one
)
async def test_garbage_is_refused_and_never_an_error_of_ours(
    there: Stage, method: str, template: str
) -> None:
    """Every route, every body and query, with ids that are none or are nobody's."""
    names = parameters_of(template)
    for one in IDS if names else ("",):
        path = template
        for name in names:
            path = path.replace(f"{{{name}}}", one)
        if method == "GET":
            for query in QUERIES:
                await send(there, method, f"{path}?{query}", JSON, b"")
            continue
        for kind, body in BODIES if one in {"", IDS[-1]} else BODIES[:1]:
            await send(there, method, path, kind, body)
