# Written by tools/unasync.py from ../_async/wallet.py: change that one.
"""Wallets, their accounts and budgets, and the activities of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read, write
from valetkey.client.delegating import NO_CODE, sign_code
from valetkey.client.errors import RefusedToSign
from valetkey.client.owner import Owner
from valetkey.client.runs import is_settled, succeeded
from valetkey.client.values import Address, read_address
from valetkey.core.errors import Code
from valetkey.wire import leftover
from valetkey.wire import wallet as wire
from valetkey.wire.activity import Activity
from valetkey.wire.base import Nothing, Page, hexed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.client._sync.line import Line
    from valetkey.wire.clone import NewClone


class Wallets:
    """Key material, and the accounts that it owns."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def add(
        self,
        chain: str,
        *,
        address: Address | Owner | None = None,
        user_id: str | None = None,
        label: str = "",
        clone: NewClone | None = None,
        request_id: str | None = None,
    ) -> wire.AddedWallet:
        """
        Return a new wallet and its account on *chain*.

        >>> added = vk.wallets.add("eip155:31337", address=owner)

        Args:
            chain: CAIP-2.
            address: Of an owner whose key is outside the server; None has the server make and seal
                the owner's key.
            clone: The account is a clone, which that key owns; None for one at the address of the
                key itself (docs/reference/accounts.md).
        """
        hex_address = None
        if isinstance(address, Owner):
            hex_address = hexed(address.address)
        elif address is not None:
            raw = read_address(address, where="address", code=Code.MALFORMED_BODY)
            hex_address = hexed(raw)
        body = wire.AddWallet(
            chain=chain,
            owner_key="sealed" if hex_address is None else "outside",
            address=hex_address,
            user_id=user_id,
            label=label,
            clone=clone,
        )
        ask = write(wire.AddedWallet, "/v1/wallets", body, request_id=request_id)
        return self._line.send(ask)

    def get(self, wallet_id: str) -> wire.Wallet:
        """Return one wallet."""
        return self._line.send(read(wire.Wallet, path_of("/v1/wallets/{key}", key=wallet_id)))

    def list(self, *, organization_id: str | None = None) -> Iterator[wire.Wallet]:
        """Yield the wallets, newest first: one's own, or those of an organization below."""
        page = Page[wire.Wallet]
        return self._line.pages(page, "/v1/wallets", organization_id=organization_id)


class Accounts:
    """Addresses on chains."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def get(self, account_id: str) -> wire.Account:
        """Return one account."""
        path = path_of("/v1/accounts/{key}", key=account_id)
        return self._line.send(read(wire.Account, path))

    def list(self, *, organization_id: str | None = None) -> Iterator[wire.Account]:
        """Yield the accounts, newest first: one's own, or those of an organization below."""
        page = Page[wire.Account]
        return self._line.pages(page, "/v1/accounts", organization_id=organization_id)

    def state(self, account_id: str, *, tokens: Sequence[Address] = ()) -> wire.AccountState:
        """
        Return an account as its chain shows it: code, native balance, and those of *tokens*.

        Raises:
            Unavailable: The chain's node does not answer.
        """
        code = Code.MALFORMED_BODY
        named = [hexed(read_address(token, where="tokens", code=code)) for token in tokens]
        path = path_of("/v1/accounts/{key}/state", key=account_id)
        return self._line.send(read(wire.AccountState, path, token=named))

    def approvals(self, account_id: str) -> leftover.Approvals:
        """Return all that is left of what sessions of the account approved, read on its chain."""
        path = path_of("/v1/accounts/{key}/approvals", key=account_id)
        found = page = self._line.send(read(leftover.Approvals, path))
        while page.next is not None:
            page = self._line.send(read(leftover.Approvals, path, after=page.next))
            found = leftover.together(found, page)
        return found

    def clear_approvals(self, account_id: str) -> Activity | None:
        """
        Return the run that sets these approvals to 0, as many as one carries; None if none is left.

        Raises:
            Conflict: The owner's key is outside: they send the calls that `approvals` lists.
        """
        path = path_of("/v1/accounts/{key}/approvals/clear", key=account_id)
        cleared = self._line.send(write(leftover.Cleared, path, Nothing()))
        return None if cleared.activity is None else succeeded(cleared.activity)

    def delegate(
        self,
        account: wire.Account | str,
        *,
        owner: Owner | None = None,
        implementation: Address | None = None,
        request_id: str | None = None,
    ) -> Activity:
        """
        Return the activity by which the account runs the code at *implementation* (EIP-7702).

        An account's code can do everything, so the server does not choose it: the owner signs for
        the address that is given here, and for no other.

        Args:
            owner: Signs the authorization; None when the server holds the owner's key.
            implementation: The deployed `Account` contract that you trust; needed with *owner*.

        Raises:
            RefusedToSign: The server wants another account, chain or code.
            ChainRejected: The chain refused.
        """
        account_id = account if isinstance(account, str) else account.id
        signature = None
        if owner is not None:
            signature = hexed(self._sign(account, owner, implementation))
        path = path_of("/v1/accounts/{key}/delegation", key=account_id)
        body = wire.Delegate(signature=signature)
        return succeeded(self._line.send(write(Activity, path, body, request_id=request_id)))

    def undelegate(
        self,
        account: wire.Account | str,
        *,
        owner: Owner | None = None,
        to: Address | None = None,
        request_id: str | None = None,
    ) -> wire.Undelegated:
        """
        Return how far the account has left the server's code: every session is revoked first.

        What is not done waits for sessions to be over on chain (``alive``), or for the owner: ask
        again. Sessions that are revoked stay so, also when the account comes back.

        Args:
            owner: Signs when no session is alive any more; None when the server holds their key.
            to: Other code that *owner* trusts, to run instead; None runs none.

        Raises:
            RefusedToSign: The server wants another account, chain or code.
            ChainRejected: The chain refused.
        """
        account_id = account if isinstance(account, str) else account.id
        code = NO_CODE
        if to is not None:
            code = read_address(to, where="to", code=Code.MALFORMED_BODY)
        path = path_of("/v1/accounts/{key}/undelegation", key=account_id)
        named = None if to is None else hexed(code)
        body = wire.Undelegate(delegate=named)
        asked = self._line.send(write(wire.Undelegated, path, body, request_id=request_id))
        succeeded(asked.activity)
        if owner is None or asked.alive or is_settled(asked.activity):
            return asked
        known = self.get(account) if isinstance(account, str) else account
        wanted = self._line.send(read(wire.Undelegation, path, delegate=named))
        signature = hexed(sign_code(owner, known, code, wanted))
        body = wire.Undelegate(delegate=named, signature=signature)
        left = self._line.send(write(wire.Undelegated, path, body))
        succeeded(left.activity)
        return left

    def _sign(
        self, account: wire.Account | str, owner: Owner, implementation: Address | None
    ) -> bytes:
        if implementation is None:
            raise RefusedToSign("implementation", expected="the code to trust", got="none")
        code = read_address(implementation, where="implementation", code=Code.MALFORMED_BODY)
        known = self.get(account) if isinstance(account, str) else account
        path = path_of("/v1/accounts/{key}/delegation", key=known.id)
        return sign_code(owner, known, code, self._line.send(read(wire.Delegation, path)))


class Budgets:
    """Limits above the sessions: of a wallet or a user."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def set(
        self,
        scope_id: str,
        *,
        asset: str,
        limit: int,
        window_s: int = 0,
        request_id: str | None = None,
    ) -> wire.Budget:
        """
        Return the budget, its limit set; what is booked stays booked.

        Args:
            scope_id: A wallet's or user's id.
            asset: ``native``, a token's address, or ``fees``.
            limit: In the smallest unit.
            window_s: 0 for the whole life.
        """
        body = wire.SetBudget(scope_id=scope_id, asset=asset, limit=str(limit), window_s=window_s)
        return self._line.send(write(wire.Budget, "/v1/budgets", body, request_id=request_id))

    def list(self, *, organization_id: str | None = None) -> Iterator[wire.Budget]:
        """Yield the budgets: one's own, or those of an organization below."""
        page = Page[wire.Budget]
        return self._line.pages(page, "/v1/budgets", organization_id=organization_id)
