-- Sponsorships and their rules; and what each of them paid for is found by it.
CREATE TABLE sponsorship (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    rulebook_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX sponsorship_organization_id ON sponsorship (organization_id, id);
CREATE INDEX sponsorship_rulebook_id ON sponsorship (rulebook_id, id);

CREATE TABLE sponsorship_rule (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    sponsorship_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX sponsorship_rule_organization_id ON sponsorship_rule (organization_id, id);
CREATE INDEX sponsorship_rule_sponsorship_id ON sponsorship_rule (sponsorship_id, id);

CREATE TABLE rulebook (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX rulebook_organization_id ON rulebook (organization_id, id);

CREATE TABLE activity_by_sponsored (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    session_id ANY,
    account_id ANY,
    relayer_id ANY,
    settled ANY,
    governs ANY,
    sponsorship_id ANY,
    request_key ANY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO activity_by_sponsored SELECT
    id, organization_id, session_id, account_id, relayer_id, settled, governs, NULL,
    request_key, body
FROM activity;
DROP TABLE activity;
ALTER TABLE activity_by_sponsored RENAME TO activity;
CREATE INDEX activity_organization_id ON activity (organization_id, id);
CREATE INDEX activity_session_id ON activity (session_id, id);
CREATE INDEX activity_account_id ON activity (account_id, id);
CREATE INDEX activity_relayer_id ON activity (relayer_id, id);
CREATE INDEX activity_settled ON activity (settled, id);
CREATE INDEX activity_governs ON activity (governs, id);
CREATE UNIQUE INDEX activity_request_key ON activity (request_key) WHERE request_key IS NOT NULL;
-- Most activities have none: they leave this one alone.
CREATE INDEX activity_sponsorship_id ON activity (sponsorship_id, id)
    WHERE sponsorship_id IS NOT NULL;
