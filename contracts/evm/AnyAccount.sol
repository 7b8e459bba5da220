// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC1271} from "./ERC1271.sol";
import {ERC7710} from "./ERC7710.sol";
import {ERC7821} from "./ERC7821.sol";
import {Multicall} from "./Multicall.sol";
import {Receiver} from "./Receiver.sol";
import {SessionView} from "./SessionView.sol";

/// @title What every kind of account is: sessions, and the standards by which others speak with it
abstract contract AnyAccount is ERC1271, ERC7710, ERC7821, Multicall, Receiver, SessionView {}
