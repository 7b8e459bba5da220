-- Who vouches for users, whom they vouched for, and keys that users' clients have locked.
CREATE TABLE identity_provider (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX identity_provider_organization_id ON identity_provider (organization_id, id);

CREATE TABLE identity (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX identity_organization_id ON identity (organization_id, id);
CREATE INDEX identity_user_id ON identity (user_id, id);

CREATE TABLE locked_key (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX locked_key_organization_id ON locked_key (organization_id, id);
CREATE INDEX locked_key_user_id ON locked_key (user_id, id);
