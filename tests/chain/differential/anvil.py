"""A real chain: delegated accounts, each run a transaction in a block, then the chain goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.chain.differential.case import EVERYBODY, OWNER_SECRETS, SESSION_KEY
from tests.chain.differential.evm import RECORDER, WEALTH_WEI, Log, accepted, refused
from tests.chain.session import Owner
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.differential.outcome import Outcome
    from tests.chain.differential.pack import Packed
    from tests.chain.world import World

_GAS_LIMIT: Final = 20_000_000
_LEAD_S: Final = 20_000_000  # further than any case goes back


class Anvil:
    """See `Evm`."""

    checks_p256 = True

    def __init__(self, world: World) -> None:
        self._world = world
        self._ask = world.rpc.ask
        for target in EVERYBODY:
            self._ask("anvil_setCode", _hex(target), _hex(RECORDER))
        for epoch, secret in OWNER_SECRETS.items():
            owner = Owner(world, secret)
            assert world.send(owner.address, authorizations=[owner.authorization()]).succeeded
            self._ask("anvil_setBalance", _hex(owner.address), hex(WEALTH_WEI))
            for _ in range(epoch):
                assert owner.send_self(pb.raise_epoch_calldata()).succeeded
        self._ask("anvil_setBalance", _hex(SESSION_KEY), hex(WEALTH_WEI))
        self._ask("anvil_autoImpersonateAccount", True)  # noqa: FBT003 - JSON-RPC
        self._back_to: str = self._ask("evm_snapshot")

    def now(self) -> int:
        """Return a second that cases can be around."""
        return self._world.now() + _LEAD_S

    def run(self, packed: Packed) -> Outcome:
        """Return what the account does with *packed*."""
        account = _hex(packed.account)
        for slot, word in zip(packed.slots, packed.words, strict=True):
            if word:
                self._ask("anvil_setStorageAt", account, _word(slot), _word(word))
        self._ask("evm_setNextBlockTimestamp", packed.at)
        question = {
            "from": _hex(packed.sender),
            "to": account,
            "value": hex(packed.value_wei),
            "input": _hex(packed.data),
            "gas": hex(_GAS_LIMIT),
        }
        receipt = self._world.receipt(self._ask("eth_sendTransaction", question))
        outcome = self._outcome(packed, receipt)
        assert self._ask("evm_revert", self._back_to)
        self._back_to = self._ask("evm_snapshot")
        return outcome

    def _outcome(self, packed: Packed, receipt: dict[str, Any]) -> Outcome:
        if receipt["status"] != "0x1":  # it changed nothing, so asking again gives the reason
            reason = self._world.reason(packed.account, packed.data, sender=packed.sender)
            return refused(reason or b"")
        logs = [
            Log(_bytes(log["address"]), tuple(map(_bytes, log["topics"])), _bytes(log["data"]))
            for log in receipt["logs"]
        ]
        words = [
            int(self._ask("eth_getStorageAt", _hex(packed.account), _word(slot), "latest"), 16)
            for slot in packed.slots
        ]
        return accepted(packed, words, logs)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _word(value: int) -> str:
    return f"0x{value:064x}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
