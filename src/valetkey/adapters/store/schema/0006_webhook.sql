-- Who is told of events, what was and is to be told to them, and whose turn it is.
CREATE TABLE webhook (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_organization_id ON webhook (organization_id, id);

CREATE TABLE delivery (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id ANY,
    webhook_id ANY,
    state ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_organization_id ON delivery (organization_id, id);
CREATE INDEX delivery_webhook_id ON delivery (webhook_id, id);
CREATE INDEX delivery_webhook_id_state ON delivery (webhook_id, state, id);
CREATE INDEX delivery_state ON delivery (state, id);

CREATE TABLE waiting (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX waiting_webhook_id ON waiting (webhook_id, id);

CREATE TABLE turn (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX turn_webhook_id ON turn (webhook_id, id);

-- What was told once and is not told again, and how often sessions were refused lately.
CREATE TABLE told (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE refusals (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
