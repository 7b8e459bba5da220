"""The vault: private keys that leave it only as signatures."""
