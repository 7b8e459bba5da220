"""
What an owner runs: transactions of one key, over plain JSON-RPC.

Usage: owner.py STEP… with KEY in the environment, and the chain at RPC. A step is
``call:TO:DATA[:WEI]``, ``as:SECRET`` (the steps behind it are of another key), ``create:DATA``,
``delegate:ADDRESS``, ``say:TEXT`` or ``end:CODE``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import httpx

from valetkey.spec.secp256k1 import address_of_key, sign_digest
from valetkey.spec.transaction import SetCode, Unsigned, authorization_digest, digest, seal

CHAIN_ID = 31337
GAS = 400_000
FEE_WEI = 10**11


class Owner:
    """A key at a node."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = bytes.fromhex(secret[2:])

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON value
        """Return the node's answer."""
        question = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answer = httpx.post(self.url, json=question, trust_env=False).json()
        if "error" in answer:
            raise SystemExit(str(answer["error"]))
        return answer["result"]

    @property
    def nonce(self) -> int:
        """Of the next transaction."""
        address = "0x" + address_of_key(self.secret).hex()
        return int(self.ask("eth_getTransactionCount", address, "pending"), 16)

    def send(
        self,
        to: bytes | None,
        data: bytes = b"",
        value_wei: int = 0,
        *,
        authorizations: tuple[SetCode, ...] = (),
    ) -> None:
        """Send a transaction."""
        fees = {"max_priority_fee_wei": 10**9, "max_fee_wei": FEE_WEI, "gas_limit": GAS}
        unsigned = Unsigned(
            chain_id=CHAIN_ID,
            nonce=self.nonce,
            to=to,
            value_wei=value_wei,
            data=data,
            authorizations=authorizations,
            **fees,
        )
        raw = seal(unsigned, sign_digest(digest(unsigned), self.secret))
        self.ask("eth_sendRawTransaction", "0x" + raw.hex())

    def delegate(self, implementation: bytes) -> None:
        """Let the account run the code at *implementation*."""
        nonce = self.nonce + 1
        signed = authorization_digest(CHAIN_ID, implementation, nonce)
        entry = SetCode(CHAIN_ID, implementation, nonce, sign_digest(signed, self.secret))
        self.send(address_of_key(self.secret), authorizations=(entry,))

    def step(self, verb: str, *given: str) -> None:
        """Do one thing."""
        if verb == "call":
            to, data, *value = given
            self.send(_bytes(to), _bytes(data), int(value[0]) if value else 0)
        elif verb == "create":
            self.send(None, _bytes(given[0]))
        elif verb == "delegate":
            self.delegate(_bytes(given[0]))
        elif verb == "as":
            self.secret = _bytes(given[0])
        elif verb == "say":
            sys.stdout.write(given[0] + "\n")
        else:
            sys.exit(int(given[0]))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def main(steps: list[str]) -> None:
    """Do everything."""
    owner = Owner(os.environ["RPC"], os.environ["KEY"])
    for step in steps:
        owner.step(*step.split(":"))


if __name__ == "__main__":
    main(sys.argv[1:])
