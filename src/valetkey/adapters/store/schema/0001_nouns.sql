-- One table for each noun: `body` is the entity as JSON, the other columns are what it is found by.
-- They are of type ANY in STRICT tables, so SQLite converts nothing: the text '1' is never the
-- number 1. Ids and texts compare byte by byte. Each index ends with the id, the order of answers.

CREATE TABLE organization (
    id TEXT NOT NULL PRIMARY KEY,
    parent_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX organization_parent_id ON organization (parent_id, id);

CREATE TABLE user (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    reference ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX user_organization_id ON user (organization_id, id);
CREATE INDEX user_reference ON user (reference, id);

CREATE TABLE credential (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    fingerprint ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX credential_organization_id ON credential (organization_id, id);
CREATE UNIQUE INDEX credential_fingerprint ON credential (fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE wallet (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX wallet_organization_id ON wallet (organization_id, id);
CREATE INDEX wallet_user_id ON wallet (user_id, id);

CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    wallet_id ANY,
    address ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX account_organization_id ON account (organization_id, id);
CREATE INDEX account_wallet_id ON account (wallet_id, id);
CREATE INDEX account_address ON account (address, id);

CREATE TABLE sealed_key (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    wallet_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX sealed_key_organization_id ON sealed_key (organization_id, id);
CREATE INDEX sealed_key_wallet_id ON sealed_key (wallet_id, id);

CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    wallet_id ANY,
    account_id ANY,
    state ANY,
    key_index ANY,
    fingerprint ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX session_organization_id ON session (organization_id, id);
CREATE INDEX session_user_id ON session (user_id, id);
CREATE INDEX session_wallet_id ON session (wallet_id, id);
CREATE INDEX session_account_id ON session (account_id, id);
CREATE INDEX session_state ON session (state, id);
CREATE INDEX session_key_index ON session (key_index, id);
CREATE UNIQUE INDEX session_fingerprint ON session (fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE usage (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE activity (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    session_id ANY,
    account_id ANY,
    relayer_id ANY,
    settled ANY,
    request_key ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX activity_organization_id ON activity (organization_id, id);
CREATE INDEX activity_session_id ON activity (session_id, id);
CREATE INDEX activity_account_id ON activity (account_id, id);
CREATE INDEX activity_relayer_id ON activity (relayer_id, id);
CREATE INDEX activity_settled ON activity (settled, id);
CREATE UNIQUE INDEX activity_request_key ON activity (request_key) WHERE request_key IS NOT NULL;

CREATE TABLE reservation (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    session_id ANY,
    state ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX reservation_organization_id ON reservation (organization_id, id);
CREATE INDEX reservation_session_id ON reservation (session_id, id);
CREATE INDEX reservation_state ON reservation (state, id);

CREATE TABLE budget_line (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    scope_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX budget_line_organization_id ON budget_line (organization_id, id);
CREATE INDEX budget_line_scope_id ON budget_line (scope_id, id);

CREATE TABLE nonce_line (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE seen_nonce (
    id TEXT NOT NULL PRIMARY KEY,
    forget_at ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX seen_nonce_forget_at ON seen_nonce (forget_at, id);

CREATE TABLE audit_line (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX audit_line_organization_id ON audit_line (organization_id, id);

CREATE TABLE audit_head (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
