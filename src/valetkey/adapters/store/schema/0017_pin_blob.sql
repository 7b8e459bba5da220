-- What is under the PIN of a wallet, and the factor that is given out so many times.
CREATE TABLE pin_blob (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX pin_blob_organization_id ON pin_blob (organization_id, id);
