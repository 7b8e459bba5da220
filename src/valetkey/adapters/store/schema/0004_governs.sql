-- What stops a session, or moves an account to other code, is found among any number of its runs.
CREATE TABLE activity_by_governed (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    session_id ANY,
    account_id ANY,
    relayer_id ANY,
    settled ANY,
    governs ANY,
    request_key ANY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO activity_by_governed SELECT
    id, organization_id, session_id, account_id, relayer_id, settled,
    CASE WHEN json_extract(body, '$.run') IS NULL
        AND (json_extract(body, '$.state') <> 'done' OR json_extract(body, '$.intent') IS NOT NULL)
        THEN coalesce(session_id, account_id) END,
    request_key, body
FROM activity;
DROP TABLE activity;
ALTER TABLE activity_by_governed RENAME TO activity;
CREATE INDEX activity_organization_id ON activity (organization_id, id);
CREATE INDEX activity_session_id ON activity (session_id, id);
CREATE INDEX activity_account_id ON activity (account_id, id);
CREATE INDEX activity_relayer_id ON activity (relayer_id, id);
CREATE INDEX activity_settled ON activity (settled, id);
CREATE INDEX activity_governs ON activity (governs, id);
CREATE UNIQUE INDEX activity_request_key ON activity (request_key) WHERE request_key IS NOT NULL;
