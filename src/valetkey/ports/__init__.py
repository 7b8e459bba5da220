"""
What a flow needs from the world.

Store, Vault, Signer, Chain, Outbound, Messenger, Clock, Entropy, Checkpoint.
"""

from valetkey.ports.about import About, begin_request, doing, what_for
from valetkey.ports.chain import Chain
from valetkey.ports.messenger import CodeMessage, Messenger
from valetkey.ports.outbound import MAX_FETCHED_BYTES, Fetched, Outbound, Posted
from valetkey.ports.signer import Signer
from valetkey.ports.store import INDEXES, MAX_FOUND, E, Entity, Index, Store, T, Tx, Value, View
from valetkey.ports.surroundings import Checkpoint, Clock, Entropy
from valetkey.ports.vault import Vault

__all__ = [
    "INDEXES",
    "MAX_FETCHED_BYTES",
    "MAX_FOUND",
    "About",
    "Chain",
    "Checkpoint",
    "Clock",
    "CodeMessage",
    "E",
    "Entity",
    "Entropy",
    "Fetched",
    "Index",
    "Messenger",
    "Outbound",
    "Posted",
    "Signer",
    "Store",
    "T",
    "Tx",
    "Value",
    "Vault",
    "View",
    "begin_request",
    "doing",
    "what_for",
]
