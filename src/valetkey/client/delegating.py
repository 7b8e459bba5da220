"""Which code an account runs is the owner's word: signed for what was named here, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.client.errors import RefusedToSign
from valetkey.client.owner import Delegation
from valetkey.core.plan import chain_id_of
from valetkey.wire.base import hexed, read_bytes

if TYPE_CHECKING:
    from valetkey.client.owner import Owner
    from valetkey.wire import wallet as wire

NO_CODE: Final = bytes(20)


def sign_code(
    owner: Owner, account: wire.Account, code: bytes, asked: wire.Delegation | wire.Undelegation
) -> bytes:
    """
    Return *owner*'s 65 bytes by which *account* runs *code* (EIP-7702).

    Args:
        asked: What the server wants to have signed.

    Raises:
        RefusedToSign: It is of another account, chain or code; or a session is alive.
    """
    if asked.nonce is None or asked.digest is None:
        alive = f"{len(asked.alive)} of them"
        raise RefusedToSign("alive", expected="no session that is alive", got=alive)
    wanted = Delegation(account.chain, code, asked.nonce)
    pairs = {
        "address": (hexed(owner.address), account.address),
        "delegate": (hexed(code), asked.delegate),
        "chain_id": (chain_id_of(account.chain), asked.chain_id),
        "digest": (wanted.digest, read_bytes(asked.digest, "digest")),
    }
    for name, (expected, got) in pairs.items():
        if expected != got:
            raise RefusedToSign(name, expected=expected, got=got)
    return owner.sign_delegation(wanted)
