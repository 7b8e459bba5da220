"""A browser wallet (EIP-1193, EIP-6963) that signs for real, outside the page, with eth-account."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from eth_account import Account

if TYPE_CHECKING:
    from playwright.async_api import Page

REJECTED: Final = 4001
_numbers = itertools.count(1)

# Announced as wallets are, under a name of its own; or put at window.ethereum alone.
_PROVIDER: Final = """
(() => {
  const listeners = [];
  const provider = {
    request: async (ask) => {
      const told = JSON.parse(await window.%(binding)s(JSON.stringify(ask)));
      if (told.error) throw Object.assign(new Error(told.error.message), told.error);
      return told.result;
    },
    on: (event, listener) => listeners.push([event, listener]),
  };
  window.%(binding)sChanged = () => listeners.forEach(([, listener]) => listener());
  if (%(legacy)s) { window.ethereum = provider; return; }
  const info = Object.freeze({
    uuid: "%(binding)s", name: %(name)s, icon: "data:,", rdns: "example.%(binding)s",
  });
  const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider",
    { detail: Object.freeze({ info, provider }) }));
  addEventListener("eip6963:requestProvider", announce);
  announce();
})();
"""


@dataclass(slots=True)
class Wallet:
    """
    One wallet.

    Args:
        key: 32 bytes, of the account that it shows.
        refuses: Methods that its owner declines, or that fail with another code.
        asked: What it was asked, in order.
        signed: The typed data that it signed, as the page gave it.
    """

    key: bytes = field(repr=False)
    chain_id: int
    name: str = "Test Wallet"
    is_legacy: bool = False
    refuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    signed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The account, with the capital letters of EIP-55 as wallets write it."""
        return str(Account.from_key(self.key).address)

    async def enter(self, page: Page) -> None:
        """Be in every document of *page* from now on."""
        binding = f"vkWallet{next(_numbers)}"

        def answer(text: str) -> str:
            return self._answer(text)

        await page.expose_function(binding, answer)
        legacy = json.dumps(self.is_legacy)
        script = _PROVIDER % {"binding": binding, "name": json.dumps(self.name), "legacy": legacy}
        await page.add_init_script(script)

    def _answer(self, text: str) -> str:
        ask = json.loads(text)
        self.asked.append(ask["method"])
        code = self.refuses.get(ask["method"])
        if code is not None:
            return json.dumps({"error": {"code": code, "message": "declined by a test"}})
        return json.dumps({"result": self._do(ask["method"], ask.get("params", []))})

    def _do(self, method: str, params: list[Any]) -> object:
        if method in {"eth_accounts", "eth_requestAccounts"}:
            return [self.address]
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method == "wallet_switchEthereumChain":
            self.chain_id = int(params[0]["chainId"], 16)
            return None
        assert method == "eth_signTypedData_v4", method
        account, typed = params[0], json.loads(params[1])
        assert account.lower() == self.address.lower()
        self.signed.append(typed)
        signed = Account.sign_typed_data(self.key, full_message=typed)
        return "0x" + bytes(signed.signature).hex()
