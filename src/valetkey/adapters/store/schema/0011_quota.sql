-- How many of anything an organization has, and may have; and the sessions that count, by their end.
CREATE TABLE tally (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE open_mark (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX open_mark_organization_id ON open_mark (organization_id, id);
