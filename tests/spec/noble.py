"""`@noble/curves` in a process of its own: FROST as another library has it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from valetkey.spec.rfc9591 import verifying_share_of
from valetkey.spec.rfc9591_commit import Commitment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPT: Final = Path(__file__).parent / "noble.mjs"


class Noble:
    """The process; see ``noble.mjs`` for what it can be told."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            ["node", str(SCRIPT)],  # noqa: S607 - found on the PATH, as in every script
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, verb: str, **told: Any) -> Any:  # noqa: ANN401 - JSON
        """
        Return what it answers.

        Raises:
            ValueError: What it threw.
        """
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{json.dumps({'verb': verb, 'told': told})}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["told"]


def group_of(public_key: bytes, shares: Mapping[bytes, bytes], slope: bytes) -> dict[str, Any]:
    """Return what it is told of a key: all verifying shares, and the line in points."""
    told = {at.hex(): verifying_share_of(one).hex() for at, one in shares.items()}
    return {"commitments": [public_key.hex(), verifying_share_of(slope).hex()], "shares": told}


def told_of(commitments: Sequence[Commitment]) -> list[dict[str, str]]:
    """Return commitments as it takes them."""
    return [
        {
            "identifier": one.identifier.hex(),
            "hiding": one.hiding.hex(),
            "binding": one.binding.hex(),
        }
        for one in commitments
    ]


def commitment_of(told: Mapping[str, str]) -> Commitment:
    """Return a commitment that it made."""
    words = (told["identifier"], told["hiding"], told["binding"])
    return Commitment.from_bytes(b"".join(bytes.fromhex(one) for one in words))
