-- Clients of a vendor's surface, the addresses of their users, and what their API keys open.
CREATE TABLE visit (
    id TEXT NOT NULL PRIMARY KEY,
    forget_at ANY,
    session_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX visit_forget_at ON visit (forget_at, id);
CREATE INDEX visit_session_id ON visit (session_id, id);

CREATE TABLE contact (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    user_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX contact_organization_id ON contact (organization_id, id);
CREATE INDEX contact_user_id ON contact (user_id, id);

CREATE TABLE terms (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX terms_organization_id ON terms (organization_id, id);
