"""Portal: custodians, their clients, client session tokens, and the calls with a client's share."""
