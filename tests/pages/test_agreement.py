"""The page works out by itself what an owner signs, and comes to what the server comes to."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.strategies import permissions
from tests.core.whole import whole_permissions
from valetkey.core.grant import Grant
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import ANYTHING, Cap, Permission, Rule
from valetkey.core.plan import chain_id_of, consent, grant_id_of
from valetkey.core.wallet import Account, Clone
from valetkey.spec import permission_bytes as packed
from valetkey.spec.clone import deploy_calldata
from valetkey.wire.base import hexed
from valetkey.wire.clone import write_clone
from valetkey.wire.consent import LinkedConsent
from valetkey.wire.explain import write_explained
from valetkey.wire.permission import write_permission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).parents[2]
ACCOUNT: Final = b"\xac" * 20
NOTE: Final = b"\x11" * 65
Told = dict[str, Any]


class Page:
    """The page's own code, in Node."""

    def __init__(self, script: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            ["node", str(script)],  # noqa: S607 - found on the PATH, as in every script
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def asked(self, told: Told) -> Told:
        """Return what the page would sign, or why it refuses."""
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{json.dumps(told)}\n")
        process.stdin.flush()
        answer: Told = json.loads(process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give the page's code, bundled as the page is."""
    script = tmp_path_factory.mktemp("page") / "harness.mjs"
    subprocess.run(  # noqa: S603 - our own sources
        [  # noqa: S607 - found on the PATH, as in every script
            "node",
            "node_modules/esbuild/bin/esbuild",
            "tests/pages/harness.ts",
            "--bundle",
            "--platform=node",
            "--format=esm",
            "--log-level=warning",
            f"--outfile={script}",
        ],
        cwd=ROOT,
        check=True,
    )
    made = Page(script)
    yield made
    made.close()


def told_of(
    permission: Permission, *, key: bytes, salt: int, epoch: int, clone: Clone | None = None
) -> Told | None:
    """Return what the server tells of a session with that permission; None if no chain takes it."""
    data = compile_grant(permission, key=key, salt=salt)
    if isinstance(data, NotOnChain):
        return None
    grant = Grant(data, grant_id_of(data), epoch, key)
    address = clone.address if clone else ACCOUNT
    account = Account("acc_1", "org_1", "wal_1", None, permission.chain, address, 0, clone)
    typed, words = consent(grant, account), write_explained(permission, names={})
    told = LinkedConsent(
        session_id="ses_1",
        organization="Acme",
        label="",
        device="",
        proof="chain",
        account=hexed(account.address),
        clone=write_clone(account.clone),
        chain=permission.chain,
        chain_id=chain_id_of(permission.chain),
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        idle_s=None,
        session_key=hexed(key),
        permission=write_permission(permission),
        names={},
        headline=words.headline,
        explanation=words.explanation,
        worst_case=words.worst_case,
        findings=[],
        grant=typed["grant"],
        kill_note=typed["kill_note"],
        link_expires_at=permission.expires_at,
    )
    built: Told = msgspec.to_builtins(told)
    return built


KEYS: Final = st.binary(min_size=20, max_size=20).filter(any) | st.binary(
    min_size=64, max_size=64
).filter(any)
ADDRESSES: Final = st.binary(min_size=20, max_size=20)
CLONES: Final = st.builds(
    Clone, *[ADDRESSES] * 3, st.binary(min_size=32, max_size=32), personal=st.booleans()
)


@given(
    permission=permissions() | whole_permissions(),
    key=KEYS,
    salt=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 2**64 - 1),
    clone=st.none() | CLONES,
)
def test_page_and_server_come_to_the_same_signature(
    page: Page, permission: Permission, key: bytes, salt: int, epoch: int, *, clone: Clone | None
) -> None:
    """For every permission that compiles: typed data, grant id, kill note, and the worst case."""
    told = told_of(permission, key=key, salt=salt, epoch=epoch, clone=clone)
    assume(told is not None)
    assert told is not None
    said = page.asked(told)
    assert "refused" not in said, said
    assert (said["grant"], said["kill_note"]) == (told["grant"], told["kill_note"])
    grant_id = bytes.fromhex(said["grant_id"][2:])
    act = packed.revoke_signed_calldata(grant_id, NOTE)
    if clone is not None:
        act = deploy_calldata(clone.owner, clone.salt, personal=clone.personal, act=act)
    assert said["note"]["calldata"] == hexed(act)
    assert said["note"]["clone"] == told["clone"]
    assert said["owner"] == hexed(clone.owner if clone else ACCOUNT)


def listed(count: int) -> Permission:
    """Return a permission with so many rules of unknown effect."""
    rules = tuple(Rule(bytes([number] * 20), bytes([number] * 4)) for number in range(1, count + 1))
    whole = Permission(
        chain="eip155:1",
        rules=rules,
        caps=(),
        starts_at=1_800_000_000,
        expires_at=1_800_003_600,
        recipients=ANYTHING,
    )
    return check_permission(whole)


@pytest.mark.parametrize("count", range(8, 34))
def test_trees_of_every_size_have_the_same_root(page: Page, count: int) -> None:
    """With an odd leaf on any level, too; up to eight rules are listed."""
    told = told_of(listed(count), key=b"\x01" * 20, salt=1, epoch=0)
    assert told is not None
    said = page.asked(told)
    assert said["grant"] == told["grant"]
    assert (count == 8) is (said["grant"]["message"]["rulesRoot"] == "0x" + "00" * 32)


TOKEN: Final = b"\x70" * 20


def plain() -> Told:
    """Return what the server tells of a plain session: 20 of a token, to one address."""
    transfer = Rule(TOKEN, selector_of("transfer(address,uint256)"), "transfer(address,uint256)")
    permission = Permission(
        chain="eip155:1",
        rules=(transfer,),
        caps=(Cap(TOKEN, 6, lifetime=20 * 10**6),),
        starts_at=1_800_000_000,
        expires_at=1_800_003_600,
        recipients=(b"\x0a" * 20,),
    )
    told = told_of(check_permission(permission), key=b"\x01" * 20, salt=1, epoch=0)
    assert told is not None
    return told


def _set(*path: str | int) -> Callable[[Told, object], None]:
    def change(told: Told, value: object) -> None:
        at: Any = told
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


OTHER: Final = "0x" + "66" * 20
LIES: Final = {
    "account": (_set("account"), OTHER),
    "chain": (_set("chain_id"), 2),
    "chain name": (_set("chain"), "eip155:2"),
    "key": (_set("session_key"), OTHER),
    "start": (_set("starts_at"), 1),
    "end": (_set("expires_at"), 1_900_000_000),
    "end of the permission": (_set("permission", "expires_at"), 1_800_000_001),
    "calls": (_set("permission", "max_calls"), 1),
    "relayer": (_set("permission", "relayer"), OTHER),
    "recipient": (_set("permission", "recipients"), [OTHER]),
    "nobody": (_set("permission", "recipients"), []),
    "target": (_set("permission", "rules", 0, "target"), OTHER),
    "function": (_set("permission", "rules", 0, "function"), "balanceOf(address)"),
    "cap": (_set("permission", "caps", 0, "lifetime"), "1"),
    "asset of the cap": (_set("permission", "caps", 0, "asset"), OTHER),
    "no rule": (_set("permission", "rules"), []),
    "worst case": (_set("worst_case", "bounds", 0, "amount"), "1"),
    "decimals": (_set("worst_case", "bounds", 0, "decimals"), 18),
    "no worst case": (_set("worst_case", "bounds"), []),
    "signed cap": (_set("grant", "message", "caps", 0, "limit"), str(10**30)),
    "signed recipient": (
        _set("grant", "message", "rules", 0, "constraints", 0, "values", 0),
        "0x" + OTHER[2:].rjust(64, "0"),
    ),
    "no signed constraint": (_set("grant", "message", "rules", 0, "constraints"), []),
    "one more signed rule": (_set("grant", "message", "rules", 1), {}),
    "signed end": (_set("grant", "message", "expiresAt"), "1900000000"),
    "signed contract": (_set("grant", "domain", "verifyingContract"), OTHER),
    "one more field of the domain": (_set("grant", "domain", "salt"), "0x" + "00" * 32),
    "signed type": (_set("grant", "types", "Cap", 0, "type"), "uint256"),
    "primary type": (_set("grant", "primaryType"), "Run"),
    "kill note of another": (_set("kill_note", "message", "grant"), "0x" + "66" * 32),
    "kill note that freezes": (_set("kill_note", "primaryType"), "Freeze"),
    "kill note of a contract": (_set("kill_note", "domain", "verifyingContract"), OTHER),
    "salt": (_set("grant", "message", "salt"), str(2**32)),
    "epoch": (_set("grant", "message", "epoch"), "-1"),
    "no typed data": (_set("grant", "message"), {}),
}


@pytest.mark.parametrize("name", LIES)
def test_what_contradicts_itself_is_not_signed(page: Page, name: str) -> None:
    """Whatever is changed in what is shown or in what is signed, the page finds it."""
    told = plain()
    assert "refused" not in page.asked(copy.deepcopy(told))
    change, value = LIES[name]
    rules = told["grant"]["message"]["rules"]
    if name == "one more signed rule":
        rules.append(value)
    else:
        change(told, value)
    assert "refused" in page.asked(told)


@pytest.mark.parametrize("part", ["factory", "implementation", "owner", "salt", "personal"])
def test_a_clone_that_is_elsewhere_is_nobodys(page: Page, part: str) -> None:
    """Its address follows from all of it: whose wallet signs is not believed."""
    clone = Clone(b"\x01" * 20, b"\x02" * 20, b"\x03" * 20, bytes(32), personal=True)
    told = told_of(listed(1), key=b"\x01" * 20, salt=1, epoch=0, clone=clone)
    assert told is not None
    assert "refused" not in page.asked(copy.deepcopy(told))
    other = {"salt": "0x" + "66" * 32, "personal": False}.get(part, OTHER)
    told["clone"][part] = other
    assert "the account is not where" in page.asked(told)["refused"]
