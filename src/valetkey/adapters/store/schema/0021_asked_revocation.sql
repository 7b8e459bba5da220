-- Revocations that wait for the signature of the account's owner.
CREATE TABLE asked_revocation (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX asked_revocation_organization_id ON asked_revocation (organization_id, id);
