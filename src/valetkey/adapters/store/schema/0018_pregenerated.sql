-- For whom wallets were made that nobody has yet.
CREATE TABLE pregenerated (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    found_by ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX pregenerated_organization_id ON pregenerated (organization_id, id);
CREATE INDEX pregenerated_found_by ON pregenerated (found_by, id);
