"""``valetkey session open``: a permission from a file or from options, and where its key goes."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from valetkey.cli.accounts import account_of
from valetkey.cli.options import address_of_text, owner_option, read_span, server_options, talk_to
from valetkey.cli.permission_compare import show_findings
from valetkey.cli.permission_file import read_document, with_times
from valetkey.cli.session_view import session_view
from valetkey.cli.terminal import Terminal, Verb
from valetkey.client import permission as permissions
from valetkey.core.errors import Conflict
from valetkey.core.permission.finding import Severity
from valetkey.core.permission.lint import lint
from valetkey.core.session import State
from valetkey.wire.calculus import write_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.client import Owner, Session, Valetkey
    from valetkey.core.permission.model import Permission
    from valetkey.wire import session as wire
    from valetkey.wire.calculus import Finding
    from valetkey.wire.wallet import Account

_ANYBODY: Final = "anybody"
_NATIVE: Final = "native"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a permission is made from: a file, or the other options; and what it stands under."""

    file: IO[bytes] | None
    token: str | None
    decimals: int | None
    to: tuple[str, ...]
    cap: str | None
    per_call: str | None
    max_calls: int | None
    ttl: int | None
    under: str | None

    def permission(self, chain: str, *, now: int) -> Permission:
        """
        Return the permission for *chain*.

        Raises:
            UsageError: Options are missing, or do not go together.
            Malformed: It is not well formed.
        """
        if self.file is not None:
            return self._from_file(self.file, now)
        if self.token is None or self.cap is None or not self.to or self.ttl is None:
            raise click.UsageError("give --permission, or --token, --to, --cap and --ttl")
        if self.token == _NATIVE:
            return permissions.native_payments(
                to=[address_of_text(one) for one in self.to],
                expires_in=self.ttl,
                lifetime=self.cap,
                per_call=self.per_call,
                max_calls=self.max_calls,
            ).on(chain, now=now)
        if self.decimals is None:
            raise click.UsageError("--token needs --decimals: what one whole token is")
        anybody = self.to == (_ANYBODY,)
        return permissions.erc20_transfers(
            address_of_text(self.token),
            decimals=self.decimals,
            to=permissions.ANYTHING if anybody else [address_of_text(one) for one in self.to],
            expires_in=self.ttl,
            lifetime=self.cap,
            per_call=self.per_call,
            max_calls=self.max_calls,
        ).on(chain, now=now)

    def _from_file(self, file: IO[bytes], now: int) -> Permission:
        others = (self.token, self.decimals, self.cap, self.per_call, self.max_calls)
        if self.to or any(one is not None for one in others):
            raise click.UsageError("--permission says it all: only --ttl goes with it")
        document = read_document(file)
        if self.ttl is not None and document.expires_at is not None:
            raise click.UsageError("the permission has an expires_at; leave --ttl out")
        return with_times(document, ttl=self.ttl, now=now)


@click.command("open", cls=Verb, short_help="Open a session on an account.")
@server_options
@owner_option
@click.option("--account", "account_id", help="acc_…; may be left out if there is only one.")
@click.option("--permission", "file", type=click.File("rb"), help="A permission as JSON.")
@click.option("--token", help="Or: allow transfers of this token (an address, or native),")
@click.option("--decimals", type=click.IntRange(0, 77), help="which has so many decimals,")
@click.option("--to", multiple=True, help="to this address (may be repeated; or: anybody),")
@click.option("--cap", help="up to so much in all, in whole tokens, such as 20 or 0.5,")
@click.option("--per-call", help="and so much in one call,")
@click.option("--max-calls", type=click.IntRange(1), help="and in so many calls.")
@click.option("--ttl", metavar="TIME", callback=read_span, help="Its life: 15m, 1h, 7d.")
@click.option("--under", help="Open it under this session (ses_…, of proof stamp), narrower.")
@click.option("--label", default="", help="What to call it.")
@click.option(
    "--p256-key", metavar="POINT", help="Open it for this public key, made elsewhere (0x…)."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where its private key goes (default: SESSION.session.json here, for its owner only).",
)
@click.pass_obj
def open_session(
    terminal: Terminal,
    /,
    *,
    url: str,
    api_key: str | None,
    owner: Owner | None,
    account_id: str | None,
    label: str,
    p256_key: str | None,
    out: Path | None,
    **wanted: Any,  # noqa: ANN401 - the fields of _Wanted
) -> None:
    """
    Open a session on an account; print the worst case, and what is unwise in its permission.

    Its private key is made here and written to a file, for a program to take up
    (Valetkey.sessions.load); beside it the kill note, for the owner. With --p256-key it is made
    elsewhere, such as in a browser, and stays there. Without the owner's key, here or in the
    server, the session waits for the owner's signature.
    """
    if p256_key is not None and out is not None:
        raise click.UsageError("--p256-key has no private key here; leave --out out")
    asked = _Wanted(**wanted)
    if asked.under is not None and (account_id, p256_key, owner) != (None, None, None):
        raise click.UsageError("--under takes the account of that session, and no owner signs")
    with talk_to(url, api_key) as server:
        if asked.under is not None:
            _show(terminal, _open_under(server, asked.under, asked, label=label, out=out))
            return
        account = account_of(server, account_id)
        permission = asked.permission(account.chain, now=int(time.time()))
        if p256_key is None:
            made = _open_here(server, account, permission, owner=owner, label=label, out=out)
        else:
            made = _open_for(server, p256_key, account, permission, owner=owner, label=label)
    _show(terminal, made)


@dataclass(frozen=True, slots=True)
class _Made:
    """
    A new session, and the files of it; no key file if its key is elsewhere.

    Args:
        findings: What is unwise in its permission.
        consent_url: Where its owner reads and signs it, if it waits for one outside.
    """

    session: wire.Session
    findings: Sequence[Finding]
    key_file: Path | None
    note_file: Path | None
    consent_url: str | None = None

    def document(self) -> dict[str, object]:
        """Return what a program is told."""
        key_file, note_file = (file and str(file) for file in (self.key_file, self.note_file))
        return {
            "session": self.session,
            "findings": self.findings,
            "session_file": key_file,
            "kill_note_file": note_file,
            "consent_url": self.consent_url,
        }


def _open_here(
    server: Valetkey,
    account: Account,
    permission: Permission,
    *,
    owner: Owner | None,
    label: str,
    out: Path | None,
) -> _Made:
    with _secret_file(out) as reserved:
        opened = server.sessions.open(account, permission, owner=owner, label=label)
        reserved.write_text(opened.export() + "\n")
        key_file = reserved if out else reserved.rename(f"{opened.id}.session.json")
        note_file = _save_note(opened, key_file)
        session = opened.show()
        url = opened.consent_url if session.state == State.PENDING else None
        return _Made(session, opened.findings, key_file, note_file, url)


def _open_under(
    server: Valetkey, parent_id: str, asked: _Wanted, *, label: str, out: Path | None
) -> _Made:
    parent = server.sessions.get(parent_id).permission
    if parent is None:
        raise click.UsageError(f"{parent_id} only reads: nothing that writes is opened under it")
    permission = asked.permission(parent.chain, now=int(time.time()))
    with _secret_file(out) as reserved:
        opened = server.sessions.open_under(parent_id, permission, label=label)
        reserved.write_text(opened.export() + "\n")
        key_file = reserved if out else reserved.rename(f"{opened.id}.session.json")
        findings = write_findings(lint(permission)).findings
        return _Made(opened.show(), findings, key_file, None)


def _open_for(
    server: Valetkey,
    point: str,
    account: Account,
    permission: Permission,
    *,
    owner: Owner | None,
    label: str,
) -> _Made:
    opened = server.sessions.open_for(point, account, permission, curve="p256", label=label)
    findings = write_findings(lint(permission)).findings
    if opened.state != State.PENDING:
        return _Made(opened, findings, None, None)
    if owner is None:
        return _Made(opened, findings, None, None, server.sessions.consent_link(opened.id).url)
    note = server.sessions.grant(opened, owner=owner)
    file = note.save(f"{opened.id}.kill.json")
    return _Made(server.sessions.get(opened.id), findings, None, file)


def _show(terminal: Terminal, made: _Made) -> None:
    terminal.emit(made.document())
    _tell(terminal, made)


def _tell(terminal: Terminal, made: _Made) -> None:
    terminal.show(session_view(made.session))
    terminal.say("")
    grave = [one for one in made.findings if Severity(one.severity) is not Severity.INFO]
    if grave:
        show_findings(terminal, grave)
        terminal.say("")
    if made.key_file:
        words = "whoever has this file is the session."
        terminal.say(f"Its private key is in {made.key_file}: {words}")
    if made.note_file:
        words = "give it to the owner of the account."
        terminal.say(f"The kill note is in {made.note_file}: {words}")
    elif made.session.state != State.PENDING and made.session.parent_id is None:
        terminal.say("The kill note is kept by the server, which has the owner's key.")
    if made.session.state == State.PENDING:
        command = f"valetkey session sign {made.session.id}"
        terminal.say(f"It waits for its owner, who opens it by: {command}", style="yellow")
    if made.consent_url is not None:
        terminal.say("or with a wallet in a browser, by this link, which is for the owner alone:")
        terminal.say(made.consent_url)


def _save_note(opened: Session, key_file: Path) -> Path | None:
    try:
        note = opened.kill_note
    except Conflict:
        return None
    return note.save(key_file.with_name(f"{opened.id}.kill.json"))


@contextmanager
def _secret_file(out: Path | None) -> Iterator[Path]:
    """Give a new empty file that only its owner can read, before there is a key to lose."""
    path = out or Path(f"{secrets.token_hex(8)}.session.json")
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise click.UsageError(f"{path} is there already") from None
    try:
        yield path
    finally:
        if path.exists() and path.stat().st_size == 0:
            path.unlink()
