"""What records an owner's script on a local chain, and the calldata that such a script sends."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import encode

from tests.cli.program import Ended, process
from tests.leaks import secret
from valetkey.core.permission.effects import selector_of

if TYPE_CHECKING:
    from valetkey.devchain import Deployment, DevKey, Node

SCRIPTS: Final = Path(__file__).parent / "scripts"
STRANGER: Final = secret(b"\x13" * 32)


def transfer(to: str, units: int) -> str:
    """Return the calldata of a transfer."""
    data = selector_of("transfer(address,uint256)") + encode(["address", "uint256"], [to, units])
    return f"0x{data.hex()}"


def execute(mode: str, *calls: tuple[str, int, str], more: tuple[str, ...] = ()) -> str:
    """Return the calldata of ERC-7821, with operation data if *more* is given."""
    batch = [(to, value, bytes.fromhex(data[2:])) for to, value, data in calls]
    types = ["(address,uint256,bytes)[]", *("bytes" for _ in more)]
    execution = encode(types, [batch, *(bytes.fromhex(one) for one in more)])
    word = bytes.fromhex(mode.ljust(64, "0"))
    data = selector_of("execute(bytes32,bytes)") + encode(["bytes32", "bytes"], [word, execution])
    return f"0x{data.hex()}"


@dataclass(frozen=True)
class Recorder:
    """A node, an account on it with USDC, and a folder to record into."""

    node: Node
    deployment: Deployment
    owner: DevKey
    folder: Path

    @property
    def account(self) -> str:
        """Its address."""
        return f"0x{self.owner.address.hex()}"

    @property
    def token(self) -> str:
        """USDC."""
        return f"0x{self.deployment.token.hex()}"

    @property
    def out(self) -> Path:
        """Where the recording goes."""
        return self.folder / "recording.json"

    def record(self, *steps: str, options: tuple[object, ...] = (), code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Return the document for a script that does *steps*."""
        ended = self.run(*options, "--json", "--", sys.executable, SCRIPTS / "owner.py", *steps)
        assert ended.code == code, ended.err
        return ended.document

    def run(self, *arguments: object) -> Ended:
        """Return how the command ended."""
        always = ("--account", self.account, "--rpc", self.node.rpc_url, "--out", self.out)
        key = {"KEY": f"0x{self.owner.secret.hex()}"}
        return process("record", *always, *arguments, env=key)
