"""What a flow needs from the world: Store, Vault, Chain, Clock, Entropy and Checkpoint."""

from valetkey.ports.about import About, begin_request, doing, what_for
from valetkey.ports.chain import Chain
from valetkey.ports.store import INDEXES, MAX_FOUND, E, Entity, Index, Store, T, Tx, Value, View
from valetkey.ports.surroundings import Checkpoint, Clock, Entropy
from valetkey.ports.vault import Vault

__all__ = [
    "INDEXES",
    "MAX_FOUND",
    "About",
    "Chain",
    "Checkpoint",
    "Clock",
    "E",
    "Entity",
    "Entropy",
    "Index",
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
