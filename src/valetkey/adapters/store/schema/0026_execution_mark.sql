-- Executions that wait for a signature, by the end of their time.
CREATE TABLE execution_mark (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    account_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX execution_mark_organization_id ON execution_mark (organization_id, id);
CREATE INDEX execution_mark_account_id ON execution_mark (account_id, id);
