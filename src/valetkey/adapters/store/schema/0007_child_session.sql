-- Sessions under others: a column to find them by. The order of columns is the code's, so the table
-- is made anew.
CREATE TABLE session_with_parent (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    wallet_id ANY,
    account_id ANY,
    parent_id ANY,
    state ANY,
    key_index ANY,
    fingerprint ANY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO session_with_parent
    SELECT id, organization_id, user_id, wallet_id, account_id, NULL, state, key_index, fingerprint, body
    FROM session;
DROP TABLE session;
ALTER TABLE session_with_parent RENAME TO session;
CREATE INDEX session_organization_id ON session (organization_id, id);
CREATE INDEX session_user_id ON session (user_id, id);
CREATE INDEX session_wallet_id ON session (wallet_id, id);
CREATE INDEX session_account_id ON session (account_id, id);
CREATE INDEX session_parent_id ON session (parent_id, id);
CREATE INDEX session_state ON session (state, id);
CREATE INDEX session_key_index ON session (key_index, id);
CREATE UNIQUE INDEX session_fingerprint ON session (fingerprint) WHERE fingerprint IS NOT NULL;

-- Those under others that are not known to be over: what a stop above has to reach.
CREATE TABLE branch (
    id TEXT NOT NULL PRIMARY KEY,
    root_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX branch_root_id ON branch (root_id, id);
