"""What the operator sets, each field with its unit, bounds and a safe default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

Seconds = Annotated[int, Meta(ge=1, le=366 * 86_400)]
Wei = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Rate = Annotated[float, Meta(ge=0, le=1_000_000)]
Burst = Annotated[int, Meta(ge=1, le=10_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Name = Annotated[str, Meta(max_length=255)]
Hex20 = Annotated[str, Meta(pattern="^0x[0-9a-f]{40}$")]
DialectName = Literal["openfort", "para", "portal"]
MaybeHex20 = Annotated[str, Meta(pattern="^(0x[0-9a-f]{40})?$")]
ChainName = Annotated[str, Meta(pattern="^eip155:[1-9][0-9]{0,17}$")]


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    What the operator allows.

    Args:
        confirmations: Blocks that make an outcome final, the one that holds it included.
        run_deadline_s: How long a signed run may be brought to the chain.
        wait_s: How long a request waits for its inclusion before it answers "not yet".
        reprice_after_s: When an unmined transaction is offered more.
        runs_fund_wei: What a new organization may spend on gas for runs.
        run_gas: The most gas that one run may be given.
        stops_fund_wei: What it may spend on gas for stops; runs cannot use it up.
        children: How many organizations may stand below a first one, at any depth; each has such
            funds of its own.
        sessions: How many sessions of an organization may be open, pending or frozen at a time.
        users: How many users it may have.
        wallets: How many wallets.
        credentials: How many credentials that are not revoked.
        max_session_s: Longest life of a session.
        watch_s: How often the chain is asked about a session that it could end past us.
        webhooks: How many an organization may have.
        sponsorships: How many sponsorships, and sets of rules that these follow, it may have that
            are not deleted.
        activities_per_day: How many writes an organization may ask for in a UTC day; stops are not
            among them.
        executions: How many executions of an organization may wait for a signature at a time.
        account_executions: How many of one account.
        refusals: How many refused runs of one session, within ``refusals_s``, are an alert.
        low_balance_wei: Below it, what the relayer or the stopper has on a chain is an alert.
        session_depth: How many sessions may stand below each other under one; 0 is no children.
        session_children: How many children of one session may be in use at a time.
        session_tree: How many sessions below one may be in use at a time, at any depth: stopping it
            stops them all in one transaction.
        consent_link_s: How long the link to the consent of a pending session works.
    """

    confirmations: Annotated[int, Meta(ge=1, le=10_000)] = 1
    run_deadline_s: Annotated[int, Meta(ge=10, le=86_400)] = 120
    wait_s: Annotated[float, Meta(ge=0, le=300)] = 20.0
    reprice_after_s: Seconds = 15
    runs_fund_wei: Wei = 10**18
    stops_fund_wei: Wei = 10**18
    run_gas: Annotated[int, Meta(ge=100_000, le=2**24)] = 5_000_000
    children: Annotated[int, Meta(ge=0, le=1000)] = 100
    sessions: Annotated[int, Meta(ge=0, le=10_000_000)] = 100_000
    users: Annotated[int, Meta(ge=0, le=100_000_000)] = 1_000_000
    wallets: Annotated[int, Meta(ge=0, le=100_000_000)] = 1_000_000
    credentials: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    max_session_s: Seconds = 366 * 86_400
    watch_s: Seconds = 300
    webhooks: Annotated[int, Meta(ge=0, le=100)] = 16
    sponsorships: Annotated[int, Meta(ge=0, le=10_000)] = 1000
    activities_per_day: Annotated[int, Meta(ge=0, le=10**12)] = 1_000_000
    executions: Annotated[int, Meta(ge=0, le=1_000_000)] = 10_000
    account_executions: Annotated[int, Meta(ge=0, le=10_000)] = 64
    refusals: Annotated[int, Meta(ge=1, le=10_000)] = 20
    refusals_s: Seconds = 300
    low_balance_wei: Wei = 10**17
    session_depth: Annotated[int, Meta(ge=0, le=8)] = 3
    session_children: Annotated[int, Meta(ge=0, le=1000)] = 32
    session_tree: Annotated[int, Meta(ge=0, le=1000)] = 128
    consent_link_s: Seconds = 86_400


@dataclass(frozen=True, slots=True)
class Rates:
    """
    How often anybody may ask one process of the server.

    A bucket has ``burst`` tokens at most and gets ``per_s`` more each second; 0 is no limit.

    Args:
        address_per_s: Requests from one address (IPv6: one /64) that prove nobody.
        address_burst: So many at once.
        failure_cost: How many of them a proof, or a one-time code, counts as that is refused.
        caller_per_s: Requests of one credential or session, wherever it asks from; of a
            publishable key, at each address apart.
        caller_burst: So many at once.
        stop_per_s: Stops, of one credential or session, and of one address: counted apart from
            everything else.
        stop_burst: So many at once.
        kept: How many addresses, and how many callers, are remembered; the longest quiet ones are
            forgotten first.
    """

    address_per_s: Rate = 100.0
    address_burst: Burst = 1000
    failure_cost: Annotated[int, Meta(ge=1, le=1000)] = 10
    caller_per_s: Rate = 500.0
    caller_burst: Burst = 2500
    stop_per_s: Rate = 50.0
    stop_burst: Burst = 500
    kept: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """
    A chain and the node that speaks for it.

    Args:
        rpc_url: ``https`` and a public address, unless *allow_private*.
        implementation: Where the `Account` contract is deployed.
        allow_private: Development: loopback, private addresses, ``http``.
    """

    rpc_url: Annotated[str, Meta(max_length=2048)]
    implementation: Hex20
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class DialectConfig:
    """
    Where a vendor's wire format is spoken, beside its prefix on the shared socket.

    Args:
        ports: Sockets where it alone stands, at the root; 0 takes a free one.
        host: The exact ``Host`` header at which it stands at the root of the shared socket.
        origins: Whose pages may ask; for development ``http://localhost:*`` is any port.
        per_minute: Requests of one caller, by the name of what they are for; 0 is no limit. What is
            not named is as the vendor publishes it.
    """

    ports: Annotated[list[Port], Meta(max_length=8)] = field(default_factory=list)
    host: Name = ""
    origins: Annotated[list[Name], Meta(max_length=64)] = field(default_factory=list)
    per_minute: dict[str, Annotated[int, Meta(ge=0, le=10**9)]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """
    Everything that can be set. Unknown keys are errors.

    Args:
        host: Where the server listens.
        port: 0 takes a free one.
        public_url: How callers reach it, for signed requests over ``@target-uri``; empty is
            ``http://host:port``.
        store: File of the SQLite store, relative to the configuration's folder.
        key_file: The key-encryption key (mode 0600), relative to the same folder.
        key_variable: Name of an environment variable that holds that key instead; empty is none.
        signer_socket: Of the process that joins the shares of split wallets, if another user runs
            it; empty has this server start its own.
        heads_file: Where signed heads of the audit logs are written, apart from the store.
        chains: By CAIP-2 name.
        clone_factory: Where the `CloneFactory` is deployed, at one address on every chain; empty is
            nowhere. It makes the accounts of users who are to have clones.
        clone_implementation: Where the `CloneAccount` is that it was made with.
        names: What addresses are called in front of people.
        log_level: Lines below it are not logged.
        metrics_port: Where Prometheus reads the metrics, on 127.0.0.1; 0 takes a free one, absent
            keeps none.
        traces_url: Where traces are sent, by OTLP over HTTP; empty keeps none. Needs the extra
            ``otel``.
        drain_s: How long the server says that it is not ready before it takes no more requests.
        grace_s: How long answers, and writes that were begun, may then take.
        min_free_mib: With less room than this where the store is, the server is not ready.
        trusted_proxies: Networks of proxies that are believed when they say where requests come
            from.
        proxy_header: The header in which they say it, and which they overwrite or append to.
        origins: Whose pages in a browser may ask the native API; none unless named. For development
            ``http://localhost:*`` is any port.
        dialects: Wire formats of vendors that are spoken; one that is not named is off.
        webhooks_allow_private: Development: webhooks on loopback, private addresses, ``http``.
        codes_to: Who gets one-time codes to send: the URL of a mailer, to which they are posted
            signed with ``VALETKEY_CODES_SECRET``; ``stderr`` for development; empty is nobody.
    """

    chains: dict[ChainName, ChainConfig]
    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 8080
    public_url: Annotated[str, Meta(max_length=2048)] = ""
    store: str = "store.db"
    key_file: str = "key-encryption-key"
    key_variable: str = ""
    signer_socket: str = ""
    heads_file: str = "audit-heads.jsonl"
    webhooks_allow_private: bool = False
    codes_to: Annotated[str, Meta(max_length=2048)] = ""
    clone_factory: MaybeHex20 = ""
    clone_implementation: MaybeHex20 = ""
    names: dict[Hex20, Annotated[str, Meta(min_length=1, max_length=32)]] = field(
        default_factory=dict
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_port: Port | None = None
    traces_url: Annotated[str, Meta(max_length=2048)] = ""
    drain_s: Annotated[float, Meta(ge=0, le=300)] = 0.0
    grace_s: Annotated[float, Meta(ge=0.1, le=600)] = 30.0
    min_free_mib: Annotated[int, Meta(ge=0, le=2**40)] = 256
    trusted_proxies: Annotated[list[Name], Meta(max_length=64)] = field(default_factory=list)
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    origins: Annotated[list[Name], Meta(max_length=64)] = field(default_factory=list)
    dialects: dict[DialectName, DialectConfig] = field(default_factory=dict)
    bounds: Bounds = field(default_factory=Bounds)
    rates: Rates = field(default_factory=Rates)
