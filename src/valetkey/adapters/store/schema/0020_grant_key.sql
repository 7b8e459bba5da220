-- Sessions are found by the key that their grants name, which may be an address alone. The order of
-- columns is the code's, so the table is made anew.
CREATE TABLE session_by_grant_key (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    wallet_id ANY,
    account_id ANY,
    parent_id ANY,
    state ANY,
    key_index ANY,
    grant_key_index ANY,
    fingerprint ANY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO session_by_grant_key
    SELECT
        id, organization_id, user_id, wallet_id, account_id, parent_id, state, key_index, NULL,
        fingerprint, body
    FROM session;
DROP TABLE session;
ALTER TABLE session_by_grant_key RENAME TO session;
CREATE INDEX session_organization_id ON session (organization_id, id);
CREATE INDEX session_user_id ON session (user_id, id);
CREATE INDEX session_wallet_id ON session (wallet_id, id);
CREATE INDEX session_account_id ON session (account_id, id);
CREATE INDEX session_parent_id ON session (parent_id, id);
CREATE INDEX session_state ON session (state, id);
CREATE INDEX session_key_index ON session (key_index, id);
CREATE INDEX session_grant_key_index ON session (grant_key_index, id);
CREATE UNIQUE INDEX session_fingerprint ON session (fingerprint) WHERE fingerprint IS NOT NULL;
