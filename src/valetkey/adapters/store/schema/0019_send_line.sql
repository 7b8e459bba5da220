-- Nonces of accounts of split wallets that were given away and may not be mined yet.
CREATE TABLE send_line (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
