"""What Openfort's format answers, as far as the SDK reads it; the rest is passed over."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Recomputable(Struct, frozen=True):
    """What the hashes of a payload are of, as EIP-712 typed data."""

    typed_data: dict[str, Any]


class Payload(Struct, frozen=True, rename="camel"):
    """What is to be signed: one hash under the names that the vendor gave it over time."""

    signable_hash: str
    user_operation_hash: str
    user_op_hash: str
    valetkey: Recomputable


class NextStep(Struct, frozen=True):
    """Who has to do something before an operation goes on."""

    type: str
    payload: Payload


class Named(Struct, frozen=True):
    """An object of which the id is enough."""

    id: str


class Account(Struct, frozen=True, rename="camel"):
    """An account: where it is, or will be when it first acts."""

    id: str
    address: str
    owner_address: str
    chain_id: int
    deployed: bool = False


class SessionJson(Struct, frozen=True, rename="camel"):
    """A session; times are text, as the vendor has them."""

    id: str
    address: str
    is_active: bool
    valid_after: str
    valid_until: str
    account: Named
    whitelist: list[str] = field(default_factory=list)
    limit: int | None = None
    next_action: NextStep | None = None


class Failed(Struct, frozen=True):
    """Why calls were not made."""

    reason: str = ""


class Response(Struct, frozen=True, rename="camel"):
    """How a transaction ended: ``status`` 1 is done, 0 is failed."""

    status: int | None = None
    transaction_hash: str | None = None
    block_number: int | None = None
    error: Failed | None = None


class IntentJson(Struct, frozen=True, rename="camel"):
    """Calls of an account, and how they ended."""

    id: str
    chain_id: int
    account: Named
    next_action: NextStep | None = None
    response: Response | None = None


class Sessions(Struct, frozen=True):
    """A page of sessions."""

    data: list[SessionJson]
    total: int


class Intents(Struct, frozen=True):
    """A page of transaction intents."""

    data: list[IntentJson]
    total: int
