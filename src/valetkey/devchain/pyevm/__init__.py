"""py-evm behind JSON-RPC: a local chain for whoever installed with pip alone."""
