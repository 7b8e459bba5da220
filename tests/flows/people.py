"""Who has what: owners of wallets and holders of sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.wallet import OwnerKey
from valetkey.spec import eip712, secp256k1

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session
    from valetkey.core.wallet import Account, Wallet

WHOLE: Final = (OwnerKey.OUTSIDE, OwnerKey.SEALED)  # where a key is that is not split


@dataclass(frozen=True, slots=True)
class Holding:
    """A wallet with its account; ``secret`` is the owner's key where that is outside."""

    wallet: Wallet
    account: Account
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Held:
    """A session, whoever holds it, and the key that they hold it with."""

    session: Session
    principal: Principal
    secret: bytes = field(repr=False)
    holding: Holding

    @property
    def id(self) -> str:
        """The session's id."""
        return self.session.id


def sign_typed(typed: dict[str, object], key: bytes) -> bytes:
    """Sign EIP-712 typed data as a wallet does, from its JSON."""
    return secp256k1.sign_digest(eip712.digest(eip712.from_json(typed)), key)
