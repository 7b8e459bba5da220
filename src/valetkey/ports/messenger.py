"""What a flow needs to reach a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CodeMessage:
    """
    A one-time code on its way to whoever has an address.

    Args:
        organization_id: For whom it is sent.
        about: What entering it does, in a few words that a person reads.
        expires_at: First second at which it is refused.
    """

    organization_id: str
    address: str
    code: str = field(repr=False)
    about: str = ""
    expires_at: int = 0


class Messenger(Protocol):
    """Hands one-time codes on to what sends them: we send no mail ourselves."""

    async def send(self, message: CodeMessage) -> None:
        """
        Hand *message* on. It is kept nowhere.

        Raises:
            Unavailable: ``messenger_unavailable``: nobody took it.
        """
