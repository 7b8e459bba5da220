-- What vendors' clients have said about the shares of split wallets that were given out to them.
CREATE TABLE share_pair (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    wallet_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX share_pair_organization_id ON share_pair (organization_id, id);
CREATE INDEX share_pair_wallet_id ON share_pair (wallet_id, id);
