"""The calls of Openfort's page on session keys, as they stand there, run by curl itself."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.leaks import note_output

if TYPE_CHECKING:
    from tests.vendor.openfort.stage import Stage

THEIRS: Final = "https://api.openfort.io"
ANSWER_S: Final = 60.0
_QUIET: Final = "--silent --show-error --write-out '\\n%{http_code}'"
_SHELL: Final = f'curl() {{ command curl {_QUIET} "$@"; }}'
# What the page leaves out stands in it as dots; what it computes for a day in May 2023, as numbers.
KEY: Final = "0x76e6...9341"
ACCOUNT: Final = "acc_..."
POLICY: Final = "pol_..."
SESSION: Final = "ses_..."
SIGNATURE: Final = "xyz..."
VALID_UNTIL: Final = "validUntil=1685004600"

REGISTER: Final = r"""
curl https://api.openfort.io/v1/sessions \
-H "Authorization: Bearer $YOUR_SECRET_KEY" \
-d address="0x76e6...9341" \
-d chainId=80002 \
-d validUntil=1685004600 \
-d validAfter=0 \
-d account="acc_..." \
-d policy=pol_...
"""
AUTHORIZE: Final = r"""
curl https://api.openfort.io/v1/sessions/ses_.../signature \
-H "Authorization: Bearer $YOUR_PUBLISHABLE_KEY" \
-d signature="xyz..."
"""
USE: Final = r"""
curl https://api.openfort.io/v1/transaction_intents \
-H "Authorization: Bearer $YOUR_SECRET_KEY" \
-d account="acc_..." \
-d address="0x76e6...9341" \
-d chainId=80002 \
-d policy=pol_...
"""
REVOKE: Final = r"""
curl https://api.openfort.io/v1/sessions/revoke \
-H "Authorization: Bearer $YOUR_SECRET_KEY" \
-d account=acc_... \
-d address="0x76e6...9341" \
-d chainId=80002 \
-d policy=pol_...
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What curl got."""

    status: int
    body: Any

    @property
    def error(self) -> str:
        """The message of a refusal."""
        message: str = self.body["error"]["message"]
        return message

    @property
    def payload(self) -> Any:  # noqa: ANN401 - JSON
        """What there is to sign."""
        assert self.body["nextAction"]["type"] == "sign_with_wallet"
        return self.body["nextAction"]["payload"]


@dataclass(frozen=True, slots=True)
class Curl:
    """A shell with curl in it, and the keys where the page has them."""

    there: Stage

    async def page(self, call: str, fresh: dict[str, str] | None = None) -> Said:
        """
        Run a *call* of the page.

        Args:
            fresh: What comes in the place of its dots and of its times; at least once each.
        """
        for old, new in {THEIRS: self.there.url, **(fresh or {})}.items():
            assert old in call, f"expected {old} in the call"
            call = call.replace(old, new)
        return await self._run(call.strip())

    async def form(
        self, path: str, *fields: str, method: str = "POST", key: str | None = None
    ) -> Said:
        """Send a form, each field as it is to be encoded; a GET has its fields in the query."""
        how = "--get" if method == "GET" else f"--request {method}"
        data = " ".join(f"--data-urlencode '{one}'" for one in fields)
        bearer = '"Authorization: Bearer ' + (key or "$YOUR_SECRET_KEY") + '"'
        return await self._run(f"curl {how} {self.there.url}{path} -H {bearer} {data}")

    async def _run(self, command: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", f"{_SHELL}\n{command}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "YOUR_SECRET_KEY": self.there.secret,
                "YOUR_PUBLISHABLE_KEY": self.there.public,
            },
        )
        async with asyncio.timeout(ANSWER_S):
            out, err = await process.communicate()
        assert not process.returncode, err.decode()
        body, _, status = out.decode().rpartition("\n")
        note_output("openfort answers", body)
        return Said(int(status), json.loads(body))


def curl(there: Stage) -> Curl:
    """Return curl for *there*."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    return Curl(there)
