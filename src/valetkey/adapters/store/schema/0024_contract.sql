-- Contracts that organizations have noted, each once where it is.
CREATE TABLE contract (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    place ANY UNIQUE,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX contract_organization_id ON contract (organization_id, id);
