"""``valetkey init``: a new server, with its keys and its first organization."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
from typing import TYPE_CHECKING, Final

import click
import httpx

from valetkey.cli.options import home_option, read_one_address
from valetkey.cli.terminal import Terminal, Verb
from valetkey.config import CONFIG_NAME
from valetkey.core.errors import Code, Malformed
from valetkey.flows.organize import found
from valetkey.wire.base import MAX_TEXT_CHARS, hexed, read_text
from valetkey.wiring import make

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.core.organization import Organization
    from valetkey.wiring import Wired

_CONFIG: Final = """\
# A valetkey server. An unknown key is an error, and every value can be set from the environment:
# VALETKEY_PORT=9000 sets port, VALETKEY_BOUNDS_WAIT_S=5 sets wait_s below [bounds].

# Where the server listens. Put a reverse proxy with TLS in front of anything but loopback.
host = "127.0.0.1"
port = 8080

# How callers reach it, such as "https://keys.example"; empty is http://host:port.
public_url = ""

# Whose pages in a browser may ask this server: exact origins. Without this, none of another origin.
# origins = ["https://app.example"]

# Proxies in front of it that say where requests come from, and the header in which they do. From
# others the header is not believed. Without this, all who come through a proxy are one address.
# trusted_proxies = ["10.0.0.0/8"]
proxy_header = "x-forwarded-for"

# Files, relative to this folder. The key-encryption key is what makes the store worth something:
# back it up apart from the store, and never together with it.
store = "store.db"
key_file = "key-encryption-key"
# key_variable = "MY_KEY"  # take that key from this environment variable instead of the file
# signer_socket = "signer"  # where `valetkey signer` of another user joins split keys

# Signed heads of the audit logs. Copy this file to where this server cannot write: held against
# it, `valetkey audit verify` finds a log that was cut.
heads_file = "audit-heads.jsonl"

# What is told of the server: log lines of this level and above (debug, info, warning, error),
# metrics for Prometheus at http://127.0.0.1:<port>/metrics, traces to a collector of OpenTelemetry
# (pip install 'valetkey[otel]').
log_level = "info"
# metrics_port = 9464
# traces_url = "http://127.0.0.1:4318/v1/traces"

# When it is told to end, it says for drain_s seconds that it is not ready: longer than a load
# balancer takes to notice. Then what was begun may take grace_s.
drain_s = 0.0
grace_s = 30.0
min_free_mib = 256  # with less room than this on the store's disk it is not ready

# Webhooks go to https URLs at public addresses. For development alone: http and loopback, too.
webhooks_allow_private = false

# Who sends one-time codes: the URL of your mailer; nobody logs in with one while it is empty.
codes_to = ""

# What makes accounts of their own (clones) for users who are to have them; both or none.
# clone_factory = "0x…"
# clone_implementation = "0x…"

[bounds]
confirmations = 1                   # blocks that make an outcome final
run_deadline_s = 120                # how long a signed run may be brought to the chain
wait_s = 20.0                       # how long a request waits for its inclusion
reprice_after_s = 15                # when an unmined transaction is offered more
runs_fund_wei = 1000000000000000000   # gas that a new organization may spend on runs
run_gas = 5000000                     # the most gas that one run may be given
stops_fund_wei = 1000000000000000000  # and on stops; runs cannot use this up
children = 100                      # organizations below a first one; each has these funds
sessions = 100000                   # of one organization, open at a time
users = 1000000                     # of one organization
wallets = 1000000
credentials = 1000
max_session_s = 31622400            # longest life of a session
watch_s = 300                       # how often the chain is asked how a session stands there
webhooks = 16                       # webhooks of one organization
sponsorships = 1000                 # sponsorships of one organization, and sets of rules
activities_per_day = 1000000        # writes of one organization in a UTC day, stops apart
executions = 10000                  # calls of one organization that wait for a signature
account_executions = 64             # and of one account
refusals = 20                       # so many refused runs of one session, within refusals_s,
refusals_s = 300                    # are an alert
low_balance_wei = 100000000000000000  # relayer or stopper with less than this: an alert
session_depth = 3                   # sessions below each other; 0 is no children
session_children = 32               # children of one session in use at a time
session_tree = 128                  # sessions below one, at any depth; stopping it stops them all
consent_link_s = 86400              # how long the link to the consent of a pending session works

[rates]
# How often anybody may ask one process: so many each second, and so many at once; 0 is no limit.
address_per_s = 100.0               # of one address, proving nobody
address_burst = 1000
failure_cost = 10                   # what a refused proof counts as
caller_per_s = 500.0                # of one credential or session
caller_burst = 2500
stop_per_s = 50.0                   # stops, counted apart from everything else
stop_burst = 500
kept = 10000                        # addresses and callers that are remembered

# Wire formats of vendors: a section turns one on, behind its prefix; see the how-to of each.
# [dialects.portal]
# ports = [8082]                     # sockets of its own
# host = "portal.example"            # the Host header at which it is all that is there
# origins = ["https://app.example"]  # whose pages may ask
# per_minute = { api = 200, mpc = 50 }  # requests of one caller; unless set as the vendor has it

# What addresses are called in front of people.
[names]
# "0x…" = "USDC"

# The chains that this server speaks to, by CAIP-2 name.
"""
_CHAIN: Final = """\
[chains."{chain}"]
rpc_url = {rpc_url}
implementation = {implementation}  # where the Account contract is deployed
allow_private = {allow_private}  # true: http and private addresses, for development alone
"""
_NO_CHAIN: Final = """\
[chains]
# [chains."eip155:1"]
# rpc_url = "https://…"
# implementation = "0x…"  # where the Account contract is deployed
"""


@click.command(cls=Verb)
@home_option
@click.option("--organization", default="first", show_default=True, help="Name of the first one.")
@click.option("--chain", help="CAIP-2 name of a chain to speak to, such as eip155:1.")
@click.option("--rpc", "rpc_url", help="URL of a node of that chain.")
@click.option(
    "--implementation",
    metavar="ADDRESS",
    callback=read_one_address,
    help="Where the Account contract is deployed on that chain.",
)
@click.option(
    "--allow-private", is_flag=True, help="For development: http, and nodes at private addresses."
)
@click.pass_obj
def init(
    terminal: Terminal,
    *,
    home: Path,
    organization: str,
    chain: str | None,
    rpc_url: str | None,
    implementation: bytes | None,
    allow_private: bool,
) -> None:
    """
    Make a new server: files, keys, first organization.

    The organization's secret key is shown this once. Nothing is left behind if anything fails.
    """
    told = (chain, rpc_url, implementation)
    if any(told) != all(told):
        raise click.UsageError("--chain, --rpc and --implementation belong together")
    text = _CONFIG
    if rpc_url and not allow_private:
        _expect_public(rpc_url)
    if chain and rpc_url and implementation:
        text += _CHAIN.format(
            chain=chain,
            rpc_url=json.dumps(rpc_url),
            implementation=json.dumps(hexed(implementation)),
            allow_private=str(allow_private).lower(),
        )
    else:
        text += _NO_CHAIN
    first, secret, wired = asyncio.run(_make(home, text, _checked(organization)))
    terminal.emit(
        {
            "home": str(home),
            "organization_id": first.id,
            "secret_key": secret,
            "relayer": hexed(wired.world.relayer_address),
            "stopper": hexed(wired.world.stopper_address),
            "url": f"http://{wired.config.host}:{wired.config.port}",
            "chains": list(wired.config.chains),
        }
    )
    _tell(terminal, home, wired, first, secret)


def _expect_public(rpc_url: str) -> None:
    """
    Let pass what may be a public node; a name is looked up when the server asks it.

    Raises:
        Malformed: It is for development; how to say so is in the detail, which repeats no path.
    """
    try:
        parts = httpx.URL(rpc_url)
    except httpx.InvalidURL:
        return  # which is said where it is used
    try:
        is_private = not ipaddress.ip_address(parts.host).is_global
    except ValueError:
        is_private = parts.host == "localhost" or parts.host.endswith(".localhost")
    if parts.scheme == "http" or is_private:
        detail = "--rpc: expected https:// and a host on the internet"
        got = f"got {parts.scheme}://{parts.host}"
        how = "for a node in development give --allow-private"
        raise Malformed(Code.MALFORMED_CONFIG, f"{detail}, {got}; {how}")


def _checked(name: str) -> str:
    if not 1 <= len(name) <= MAX_TEXT_CHARS:
        detail = f"organization: expected 1 to {MAX_TEXT_CHARS} characters, got {len(name)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return read_text(name, "organization")


async def _make(home: Path, text: str, name: str) -> tuple[Organization, str, Wired]:
    async with make(home, text, os.environ) as wired:
        organization, secret = await found(wired.world, name=name)
        return organization, secret, wired


def _tell(
    terminal: Terminal, home: Path, wired: Wired, organization: Organization, secret: str
) -> None:
    relayer, stopper = hexed(wired.world.relayer_address), hexed(wired.world.stopper_address)
    terminal.say(f"A new server in {home}.", style="bold green")
    lines = [
        ("organization", f"{organization.id} ({organization.name})"),
        ("secret key", f"{secret} - shown this once: keep it as you keep a password"),
        ("relayer", f"{relayer} - pays for the gas of runs"),
        ("stopper", f"{stopper} - pays for the gas of stops, and nothing else"),
        ("key file", f"{home / wired.config.key_file} - back it up apart from the store"),
    ]
    for name, value in lines:
        terminal.say(f"  {name:13} {value}")
    terminal.say("\nNext:")
    url = f"http://{wired.config.host}:{wired.config.port}"
    steps = [] if wired.config.chains else [f"name a chain in {home / CONFIG_NAME}"]
    steps += [
        f"send some of the chain's coin to {relayer} and {stopper}",
        f"valetkey doctor --home {home}",
        f"valetkey serve --home {home}",
        f"export VALETKEY_URL={url} VALETKEY_API_KEY=…; valetkey wallet add --help",
    ]
    for number, step in enumerate(steps, start=1):
        terminal.say(f"  {number}. {step}")
