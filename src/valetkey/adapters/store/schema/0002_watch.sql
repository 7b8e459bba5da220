-- When the chain is asked next how a session stands there: the ids sort by that time.
CREATE TABLE watch (
    id TEXT NOT NULL PRIMARY KEY,
    alive ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX watch_alive ON watch (alive, id);
