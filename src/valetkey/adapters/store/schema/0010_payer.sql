-- The keys that pay for gas: which one is in use, and which were before it.
CREATE TABLE payer (
    id TEXT NOT NULL PRIMARY KEY,
    fund ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX payer_fund ON payer (fund, id);
