-- Small secrets, sealed: the server's own, and what users leave with it.
CREATE TABLE kept_secret (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    wallet_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX kept_secret_organization_id ON kept_secret (organization_id, id);
CREATE INDEX kept_secret_wallet_id ON kept_secret (wallet_id, id);

-- Signatures that wait until their user has approved them.
CREATE TABLE review (
    id TEXT NOT NULL PRIMARY KEY,
    forget_at ANY,
    session_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX review_forget_at ON review (forget_at, id);
CREATE INDEX review_session_id ON review (session_id, id);
