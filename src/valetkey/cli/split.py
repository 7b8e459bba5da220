"""``valetkey split``: wallets whose key is shared between their client and the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import msgspec

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.share_file import expect_new, out_option, read_share, share_option, write_share
from valetkey.cli.split_shares import backup, recover, refresh
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.client.custody import join_ejected
from valetkey.core.errors import Code, Malformed
from valetkey.wire.base import read_bytes

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO, Any

    from valetkey.wire.custody import Custody

MAX_TYPED_BYTES: Final = 256 * 1024


@click.group()
def split() -> None:
    """Split wallets: a share of the key is here, the other with the server."""


split.add_command(refresh)
split.add_command(backup)
split.add_command(recover)


@split.command(cls=Verb)
@server_options
@out_option("the client's share")
@click.option("--curve", type=click.Choice(["secp256k1", "ed25519"]), default="secp256k1")
@click.option("--chain", help="CAIP-2, to have an account there at once.")
@click.option("--user", "user_id", help="Whose it is (usr_…).")
@click.option("--label", default="", help="What to call it.")
@click.pass_obj
def create(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    out: Path,
    curve: Any,  # noqa: ANN401 - one of the two, as click has checked
    chain: str | None,
    user_id: str | None,
    label: str,
) -> None:
    """
    Add a wallet and write the client's share to a new file.

    Nobody can show the share again: keep the file, and back it up (split backup).
    """
    expect_new(out)
    with talk_to(url, api_key) as server:
        made = server.split.create(curve, chain=chain, user_id=user_id, label=label)
    write_share(out, made.share or "")
    terminal.emit(msgspec.structs.replace(made, share=None))
    terminal.show(_table(made.custody))
    terminal.say(f"the client's share is in {out}; nobody can show it again")


@split.command(cls=Verb)
@server_options
@click.argument("wallet_id", metavar="WALLET")
@click.pass_obj
def show(terminal: Terminal, *, url: str, api_key: str | None, wallet_id: str) -> None:
    """Show how the key of a split wallet is kept."""
    with talk_to(url, api_key) as server:
        found = server.split.get(wallet_id)
    terminal.emit(found)
    terminal.show(_table(found))


@split.command(cls=Verb)
@server_options
@share_option
@click.argument("wallet_id", metavar="WALLET")
@click.option("--message", help="A text (EIP-191; Ed25519 as it is).")
@click.option("--typed-data", type=click.File("rb"), help="A file with EIP-712 data.")
@click.option("--transaction", help="0x and a transaction without its signature.")
@click.option("--digest", help="0x and 32 bytes that nobody can read.")
@click.pass_obj
def sign(  # noqa: PLR0913 - one for each option
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    share_file: Path,
    wallet_id: str,
    message: str | None,
    typed_data: IO[bytes] | None,
    transaction: str | None,
    digest: str | None,
) -> None:
    """Have one thing signed: a message, typed data, a transaction, or a digest."""
    share = read_share(share_file)
    with talk_to(url, api_key) as server:
        signed = server.split.sign(
            wallet_id,
            share,
            message=None if message is None else message.encode(),
            typed_data=None if typed_data is None else _typed(typed_data),
            transaction=None if transaction is None else read_bytes(transaction, "--transaction"),
            digest=None if digest is None else read_bytes(digest, "--digest"),
        )
    terminal.emit(signed)
    terminal.say(signed.transaction or signed.signature)


@split.command("enable-eject", cls=Verb)
@server_options
@click.argument("wallet_id", metavar="WALLET")
@click.pass_obj
def enable_eject(terminal: Terminal, *, url: str, api_key: str | None, wallet_id: str) -> None:
    """Allow that the server's share is given away, one time. For owners."""
    with talk_to(url, api_key) as server:
        found = server.split.enable_eject(wallet_id)
    terminal.emit(found)
    terminal.say(f"the server's share of {wallet_id} may be given away once")


@split.command(cls=Verb)
@server_options
@share_option
@out_option("the private key")
@click.argument("wallet_id", metavar="WALLET")
@click.pass_obj
def eject(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    share_file: Path,
    out: Path,
    wallet_id: str,
) -> None:
    """
    Take the key out: write it to a new file, in hex. The server signs with it no more.

    Whoever has the file signs alone, with no limits.
    """
    expect_new(out)
    share = read_share(share_file)
    with talk_to(url, api_key) as server:
        if server.split.get(wallet_id).ejected_at is None:
            server.split.confirm(wallet_id, share)  # or what is given away joins to nothing
        ejected = server.split.eject(wallet_id)
    write_share(out, f"0x{join_ejected(share, ejected).hex()}")
    terminal.emit(ejected.custody)
    terminal.say(f"the private key of {wallet_id} is in {out}; this server signs with it no more")


def _typed(file: IO[bytes]) -> dict[str, object]:
    content = file.read(MAX_TYPED_BYTES + 1)
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"--typed-data: expected JSON of at most {MAX_TYPED_BYTES} bytes: {error}"
        raise Malformed(Code.MALFORMED_BODY, detail) from None


def _table(custody: Custody) -> Any:  # noqa: ANN401 - what rich shows
    backed_up = custody.backup_generation
    row = (
        custody.wallet_id,
        custody.curve,
        custody.public_key,
        str(custody.generation),
        "none" if backed_up is None else f"of generation {backed_up}",
        "ejected" if custody.ejected_at is not None else "split",
    )
    return table_of(("wallet", "curve", "public key", "generation", "backup", "key"), [row])
