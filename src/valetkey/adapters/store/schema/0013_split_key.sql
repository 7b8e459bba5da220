-- The server's shares of split wallets; its id is the wallet's.
CREATE TABLE split_key (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX split_key_organization_id ON split_key (organization_id, id);
