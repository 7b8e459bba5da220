-- What organizations note of their users.
CREATE TABLE profile (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    deleted ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX profile_organization_id ON profile (organization_id, id);
CREATE INDEX profile_deleted ON profile (deleted, id);
