-- Sessions that wait for a key that is here are found among any number that wait for others. The
-- order of columns is the code's, so the table is made anew.
CREATE TABLE session_by_waits_here (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    wallet_id ANY,
    account_id ANY,
    parent_id ANY,
    state ANY,
    key_index ANY,
    grant_key_index ANY,
    waits_here ANY,
    fingerprint ANY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO session_by_waits_here
    SELECT
        id, organization_id, user_id, wallet_id, account_id, parent_id, state, key_index,
        grant_key_index, NULL, fingerprint, body
    FROM session;
DROP TABLE session;
ALTER TABLE session_by_waits_here RENAME TO session;
CREATE INDEX session_organization_id ON session (organization_id, id);
CREATE INDEX session_user_id ON session (user_id, id);
CREATE INDEX session_wallet_id ON session (wallet_id, id);
CREATE INDEX session_account_id ON session (account_id, id);
CREATE INDEX session_parent_id ON session (parent_id, id);
CREATE INDEX session_state ON session (state, id);
CREATE INDEX session_key_index ON session (key_index, id);
CREATE INDEX session_grant_key_index ON session (grant_key_index, id);
-- Hardly any session has one: the others leave it alone.
CREATE INDEX session_waits_here ON session (waits_here, id) WHERE waits_here IS NOT NULL;
CREATE UNIQUE INDEX session_fingerprint ON session (fingerprint) WHERE fingerprint IS NOT NULL;
