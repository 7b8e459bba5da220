"""Which error of the account's contract says the same as which refusal of `decide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

# The contract compares words: it does not know which of them is a recipient or an amount per call.
# Two codes have no error, for no run can be written that would meet them: a call to a target that
# no rule covers, and native value under a rule that carries none. `SELECTOR_NOT_ALLOWED` has one
# beside a rule for any call alone. The rate is the server's.
CONTRACT_ERRORS: Final[Mapping[Code, str]] = {
    Code.SESSION_NOT_STARTED: "GrantNotStarted",
    Code.SESSION_EXPIRED: "GrantExpired",
    Code.TOO_MANY_CALLS: "TooManyCalls",
    Code.TARGET_FORBIDDEN: "TargetRefused",
    Code.SELECTOR_REFUSED: "SelectorRefused",
    Code.SELECTOR_NOT_ALLOWED: "RuleTooWide",
    Code.ARGUMENT_MISSING: "ArgumentMissing",
    Code.ARGUMENT_REFUSED: "ArgumentRefused",
    Code.RECIPIENT_NOT_ALLOWED: "ArgumentRefused",
    Code.PER_CALL_CAP_EXCEEDED: "ArgumentRefused",
    Code.CAP_EXCEEDED: "CapExceeded",
}
