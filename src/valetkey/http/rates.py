"""How often anybody may ask: token buckets, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from valetkey.core.errors import Code, Limited, Unauthenticated
from valetkey.core.principal import PrincipalKind
from valetkey.spec.structured_fields import write_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.config import Rates
    from valetkey.core.errors import ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.ports import Clock

    Fields = tuple[tuple[bytes, bytes], ...]

_MILLISECOND_NS: Final = 10**6
_SECOND_NS: Final = 10**9
_FAILED: Final = frozenset(
    {
        Code.CODE_REFUSED,
        Code.PROOF_REFUSED,
        Code.PROOF_REPLAYED,
        Code.PROOF_TOO_OLD,
        Code.PROOF_KEY_BOUND,
    }
)


class Lane(StrEnum):
    """
    Which buckets a request is counted in.

    ``STOP`` has buckets of its own: whoever floods everything else keeps nobody from stopping.
    ``FREE`` is for those who ask whether the server is there.
    """

    USUAL = "usual"
    STOP = "stop"
    FREE = "free"


class Pace(NamedTuple):
    """
    How often one caller may use some routes, beside all that it asks for.

    Args:
        policy: What answers call it; routes with the same name share a bucket.
        burst: So many at once, and so many in ``window_s``.
    """

    policy: str
    burst: int
    window_s: int


class Taken(NamedTuple):
    """
    What a bucket said.

    Args:
        left: How many more it would let through now.
        full_s: In how many seconds it is full again.
        wait_s: How long to wait before asking again; 0 if the request is let through.
    """

    left: int
    full_s: int
    wait_s: int = 0


class Buckets:
    """
    A bucket for each name, of which the longest unused are forgotten beyond *kept*.

    The generic cell rate algorithm: all that is kept is when a bucket is full again. One that is
    forgotten is a full one. Times are integers, so that no token is lost or won by rounding.

    Args:
        policy: What answers call it.
        per_s: How many tokens come each second.
        burst: How many there are in a full one.
    """

    def __init__(self, policy: str, *, per_s: float, burst: int, kept: int) -> None:
        self.policy = policy
        self.burst = burst
        self._gap_ns = round(_SECOND_NS / per_s)
        self._room_ns = burst * self._gap_ns
        self.window_s = _seconds(self._room_ns)
        self._kept = kept
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._name = write_string(policy).encode()
        self._said = b"%b;q=%d;w=%d" % (self._name, burst, self.window_s)

    def __len__(self) -> int:
        """How many names are known."""
        return len(self._full_at)

    def __contains__(self, name: object) -> bool:
        """Whether *name* is known: the others have full buckets."""
        return name in self._full_at

    def look(self, name: str, *, at_ms: int) -> Taken:
        """Say whether there is a token, and take none."""
        at = at_ms * _MILLISECOND_NS
        return self._told(self._full(name, at) - at)

    def take(self, name: str, *, at_ms: int) -> Taken:
        """Take a token if there is one."""
        at = at_ms * _MILLISECOND_NS
        lacks = self._full(name, at) - at
        if lacks + self._gap_ns > self._room_ns:
            return self._told(lacks)
        lacks += self._gap_ns
        self._keep(name, at + lacks)
        return Taken((self._room_ns - lacks) // self._gap_ns, _seconds(lacks))

    def spend(self, name: str, cost: int, *, at_ms: int) -> None:
        """Take *cost* tokens, or all that there are."""
        at = at_ms * _MILLISECOND_NS
        full_at = self._full(name, at) + cost * self._gap_ns
        self._keep(name, min(full_at, at + self._room_ns))

    def fields(self, taken: Taken) -> Fields:
        """Return how answers say *taken* (draft-ietf-httpapi-ratelimit-headers-10)."""
        now = b"%b;r=%d;t=%d" % (self._name, taken.left, taken.wait_s or taken.full_s)
        return ((b"ratelimit-policy", self._said), (b"ratelimit", now))

    def _full(self, name: str, at: int) -> int:
        known = self._full_at.get(name, at)
        if known > at + self._room_ns:  # the clock was set back: it is empty, no more than that
            known = self._full_at[name] = at + self._room_ns
        return known if known > at else at  # noqa: FURB136 - on the way of every request

    def _told(self, lacks: int) -> Taken:
        left = (self._room_ns - lacks) // self._gap_ns
        wait_s = 0 if left else _seconds(lacks + self._gap_ns - self._room_ns)
        return Taken(left, _seconds(lacks), wait_s)

    def _keep(self, name: str, full_at: int) -> None:
        known = self._full_at
        known[name] = full_at
        known.move_to_end(name)
        if len(known) > self._kept:
            known.popitem(last=False)


def _seconds(span_ns: int) -> int:
    """Return whole seconds, rounded up."""
    return -(-span_ns // _SECOND_NS)


class Turnstile:
    """
    Lets requests through, as often as *rates* say.

    Before anything of a request is read, its address has to have a token; what was not proven by
    anybody costs its address one, a proof that is refused several. Who is proven has a bucket of
    its own, wherever it asks from; but a publishable key, which everybody has, one at each address:
    nobody uses it up for others.
    """

    def __init__(self, rates: Rates, clock: Clock, paces: Iterable[Pace] = ()) -> None:
        self._clock = clock
        self._of_pace = {
            pace: _made(pace.policy, pace.burst / pace.window_s, pace.burst, rates.kept)
            for pace in paces
        }
        self._failure_cost = rates.failure_cost
        stop = (rates.stop_per_s, rates.stop_burst)
        self._of_address = {
            Lane.USUAL: _made("address", rates.address_per_s, rates.address_burst, rates.kept),
            Lane.STOP: _made("stop-address", *stop, rates.kept),
        }
        self._of_caller = {
            Lane.USUAL: _made("caller", rates.caller_per_s, rates.caller_burst, rates.kept),
            Lane.STOP: _made("stop", *stop, rates.kept),
        }

    def expect_room(self, peer: str, lane: Lane) -> None:
        """
        Let pass who comes from *peer*, unless too much came from there that nobody has proven.

        Raises:
            Limited: ``rate_limited``, with how long to wait.
        """
        buckets = self._of_address.get(lane)
        if buckets is not None and peer in buckets:
            taken = buckets.look(peer, at_ms=self._clock.now_ms())
            if taken.wait_s:
                raise _limited(buckets, taken, "address")

    def failed(self, peer: str, lane: Lane, error: ValetkeyError) -> None:
        """Count a request that proves nobody, or that tried a code which is not the one sent."""
        buckets = self._of_address.get(lane)
        if buckets is not None:
            is_guess = isinstance(error, Unauthenticated) and error.code in _FAILED
            buckets.spend(peer, self._failure_cost if is_guess else 1, at_ms=self._clock.now_ms())

    def passed(
        self, peer: str, lane: Lane, principal: Principal, pace: Pace | None = None
    ) -> Fields:
        """
        Count a request of *principal*, and return how many more there may be, for the answer.

        Args:
            pace: Of the route, if it has one; then the answer speaks of that.

        Raises:
            Limited: ``rate_limited``, with how long to wait.
        """
        is_anonymous = principal.kind is PrincipalKind.ANONYMOUS
        whose = peer if is_anonymous else principal.subject_id
        if principal.kind is PrincipalKind.PUBLISHABLE:
            whose = f"{whose} {peer}"
        fields: Fields = ()
        by_lane = (self._of_address if is_anonymous else self._of_caller).get(lane)
        for buckets in (by_lane, None if pace is None else self._of_pace[pace]):
            if buckets is None:
                continue
            taken = buckets.take(whose, at_ms=self._clock.now_ms())
            if taken.wait_s:
                what = "address" if is_anonymous else "credential or session"
                raise _limited(buckets, taken, what)
            fields = buckets.fields(taken)
        return fields


def _made(policy: str, per_s: float, burst: int, kept: int) -> Buckets | None:
    return Buckets(policy, per_s=per_s, burst=burst, kept=kept) if per_s else None


def _limited(buckets: Buckets, taken: Taken, what: str) -> Limited:
    allowed = f"{buckets.burst} requests of one {what} in {buckets.window_s} s"
    detail = f"expected at most {allowed}, got more; wait {taken.wait_s} s"
    facts = {"policy": buckets.policy, "limit": buckets.burst, "window_s": buckets.window_s}
    return Limited(Code.RATE_LIMITED, detail, retry_after_s=taken.wait_s, **facts)


def refused_fields(error: ValetkeyError) -> Fields:
    """Return how the answer to one that was limited says by what, and until when."""
    name, wait_s = write_string(str(error.facts["policy"])), error.facts["retry_after_s"]
    policy = f"{name};q={error.facts['limit']};w={error.facts['window_s']}"
    return (
        (b"retry-after", str(wait_s).encode()),
        (b"ratelimit-policy", policy.encode()),
        (b"ratelimit", f"{name};r=0;t={wait_s}".encode()),
    )
