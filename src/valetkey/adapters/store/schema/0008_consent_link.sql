-- The one link with which the owner of an account reads and signs a session that waits for it.
CREATE TABLE consent_link (
    id TEXT NOT NULL PRIMARY KEY,
    session_id ANY,
    fingerprint ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX consent_link_session_id ON consent_link (session_id, id);
CREATE UNIQUE INDEX consent_link_fingerprint ON consent_link (fingerprint)
    WHERE fingerprint IS NOT NULL;
