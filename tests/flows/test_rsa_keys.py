"""The ring of RSA keys: one signs now, one is next, one before is still believed."""

from __future__ import annotations

import jwt
import pytest

from tests.worlds import make_world
from valetkey.core.errors import Malformed
from valetkey.core.session_token import key_document
from valetkey.flows.rsa_keys import CURRENT, NEXT, rotate_rsa_key, rsa_token_keys, sign_claims

CLAIMS = {"sub": "usr_1", "iat": 1, "exp": 2**40}


async def test_tokens_are_checked_by_the_published_keys() -> None:
    """By a library that is not ours; the key id is that of the key that signed."""
    world = await make_world()
    for index in (CURRENT, NEXT):
        token, key_id = await sign_claims(world, CLAIMS, index=index)
        documents = [key_document(key) for key in await rsa_token_keys(world)]
        assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": key_id, "typ": "JWT"}
        key = jwt.PyJWK(documents[index])
        assert jwt.decode(token, key, algorithms=["RS256"]) == CLAIMS


async def test_the_next_key_becomes_the_current_one() -> None:
    """What was published as next signs after the rotation, and what it follows is still there."""
    world = await make_world()
    _, was_current = await sign_claims(world, CLAIMS, index=CURRENT)
    _, was_next = await sign_claims(world, CLAIMS, index=NEXT)
    assert await rotate_rsa_key(world) == was_next
    assert (await sign_claims(world, CLAIMS, index=CURRENT))[1] == was_next
    published = [key_document(key)["kid"] for key in await rsa_token_keys(world)]
    assert published[0] == was_next
    assert published[2] == was_current
    await rotate_rsa_key(world)
    assert was_current not in [key_document(key)["kid"] for key in await rsa_token_keys(world)]


async def test_tokens_of_the_key_before_are_checked_until_the_next_rotation() -> None:
    """By whoever reads the published keys anew; after another rotation their key is gone."""
    world = await make_world()
    token, key_id = await sign_claims(world, CLAIMS, index=CURRENT)
    for is_there in (True, True, False):
        keys = {one["kid"]: one for one in map(key_document, await rsa_token_keys(world))}
        assert (key_id in keys) is is_there
        if is_there:
            assert jwt.decode(token, jwt.PyJWK(keys[key_id]), algorithms=["RS256"]) == CLAIMS
            await rotate_rsa_key(world)


@pytest.mark.parametrize("index", [-1, 2])
async def test_there_are_two_places_in_the_ring(index: int) -> None:
    """Another is refused."""
    with pytest.raises(Malformed):
        await sign_claims(await make_world(), CLAIMS, index=index)
