"""EVM chains through a node's JSON-RPC."""

from valetkey.adapters.chain.evm.chain import EvmChain
from valetkey.adapters.chain.evm.fees import FeePolicy
from valetkey.adapters.chain.evm.rpc import Limits

__all__ = ["EvmChain", "FeePolicy", "Limits"]
