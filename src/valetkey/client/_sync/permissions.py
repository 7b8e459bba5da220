# Written by tools/unasync.py from ../_async/permissions.py: change that one.
"""What permissions mean, asked of the server, which calls tokens by the names it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from valetkey.client.asks import look, read
from valetkey.client.permission import Draft
from valetkey.client.values import read_address
from valetkey.core.errors import Code
from valetkey.core.permission.propose import Slack
from valetkey.wire import recording
from valetkey.wire.base import hexed
from valetkey.wire.calculus import ChildAndParent, Comparison, Difference, Findings, OldAndNew
from valetkey.wire.explain import Explained, OnePermission, WorstCase
from valetkey.wire.permission import PermissionDocument, read_permission, write_permission
from valetkey.wire.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from msgspec import Struct

    from valetkey.client._sync.line import Line
    from valetkey.client.values import Address
    from valetkey.core.permission.backtest import Recorded
    from valetkey.core.permission.model import Permission

T = TypeVar("T")


class Permissions:
    """
    Questions about permissions; nothing is stored, and nobody has to be proven.

    Where a draft is asked about, the chain and the time are the server's, unless *chain* (CAIP-2)
    says another one.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def explain(self, permission: Draft | Permission, *, chain: str = "") -> Explained:
        """Return *permission* in words, with its worst case."""
        (document,) = self._documents(permission, chain=chain)
        return self._ask(Explained, "explain", OnePermission(permission=document))

    def lint(self, permission: Draft | Permission, *, chain: str = "") -> Findings:
        """Return what is unwise in *permission*, errors first, each with its fix."""
        (document,) = self._documents(permission, chain=chain)
        return self._ask(Findings, "lint", OnePermission(permission=document))

    def worst_case(self, permission: Draft | Permission, *, chain: str = "") -> WorstCase:
        """Return the most that can be lost under *permission*."""
        (document,) = self._documents(permission, chain=chain)
        return self._ask(WorstCase, "worst-case", OnePermission(permission=document))

    def subset(
        self, child: Draft | Permission, parent: Draft | Permission, *, chain: str = ""
    ) -> Comparison:
        """Return whether *parent* allows all that *child* allows, or calls that prove not."""
        one, other = self._documents(child, parent, chain=chain)
        return self._ask(Comparison, "subset", ChildAndParent(child=one, parent=other))

    def diff(
        self, old: Draft | Permission, new: Draft | Permission, *, chain: str = ""
    ) -> Difference:
        """Return what changes from *old* to *new*, and whether it allows more."""
        before, after = self._documents(old, new, chain=chain)
        return self._ask(Difference, "diff", OldAndNew(old=before, new=after))

    def backtest(
        self, permission: Permission, runs: Iterable[Recorded], *, account: Address | None = None
    ) -> recording.Report:
        """
        Return what *permission* would have refused of *runs*, and what of it they never used.

        Args:
            runs: In order of time; `permission.load_recording` reads a file of them.
            account: That made the runs; a call of it is refused.
        """
        body = recording.Backtest(
            permission=write_permission(permission),
            runs=recording.write_runs(runs),
            account=None
            if account is None
            else hexed(read_address(account, where="account", code=Code.MALFORMED_BODY)),
        )
        return self._ask(recording.Report, "backtest", body)

    def propose(
        self,
        runs: Iterable[Recorded],
        *,
        chain: str,
        decimals: Mapping[str, int] | None = None,
        slack: Slack | None = None,
    ) -> Permission:
        """
        Return the smallest permission that allows *runs*.

        Args:
            chain: CAIP-2, where they were made.
            decimals: Of tokens, by address; 0 for others.
            slack: How much more is allowed; None is nothing.
        """
        more = slack or Slack()
        body = recording.Propose(
            chain=chain,
            runs=recording.write_runs(runs),
            decimals=dict(decimals or {}),
            slack=recording.Slack(amounts=more.amounts, calls=more.calls, time=more.time),
        )
        return read_permission(self._ask(PermissionDocument, "propose", body))

    def _ask(self, answer: type[T], name: str, body: Struct) -> T:
        return self._line.send(look(answer, f"/v1/permissions/{name}", body))

    def _documents(self, *permissions: Draft | Permission, chain: str) -> list[PermissionDocument]:
        if any(isinstance(one, Draft) for one in permissions):
            server = self._line.send(read(Server, "/v1/server"))
            name = chain or server.chains[0].chain
            permissions = tuple(
                one.on(name, now=server.time) if isinstance(one, Draft) else one
                for one in permissions
            )
        return [write_permission(one) for one in permissions if not isinstance(one, Draft)]
