// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Every refusal of the account. `call` is the index of the call in its run; `rule`, `argument` and `cap` are indexes of
// the grant format (docs/reference/grant-format.md), which also states the order in which they are decided.

error Malformed();
error GrantNotStarted();
error GrantExpired();
error DeadlinePassed();
error RelayerNotAllowed();
error GrantRevoked();
error GrantFrozen();
error KeyTypeRefused();
error NotGranted();
error SignatureRefused();
error NonceUsed();
error NonceTooFar();
error TooManyCalls();
error NoSuchRule(uint256 call);
error TargetForbidden(uint256 rule);
error TargetRefused(uint256 call);
error SelectorRefused(uint256 call);
error RuleTooWide(uint256 call);
error ArgumentMissing(uint256 call, uint256 argument);
error ArgumentRefused(uint256 call, uint256 argument);
error CapExceeded(uint256 call, uint256 cap);
error GrantNotFrozen();
error OnlyAccount();
error ModeRefused(bytes32 mode);
error RuleMismatch(uint256 call);
error OwnerRefused();
