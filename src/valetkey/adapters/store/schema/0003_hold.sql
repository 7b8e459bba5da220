-- What sessions that no server stands before may still move of a budget.
CREATE TABLE hold (
    id TEXT NOT NULL PRIMARY KEY,
    line_id ANY,
    session_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX hold_line_id ON hold (line_id, id);
CREATE INDEX hold_session_id ON hold (session_id, id);

-- A stop has its session looked at soon, so a watch is found by its session too.
CREATE TABLE watch_by_session (
    id TEXT NOT NULL PRIMARY KEY,
    session_id ANY,
    alive ANY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO watch_by_session SELECT id, json_extract(body, '$.session_id'), alive, body FROM watch;
DROP TABLE watch;
ALTER TABLE watch_by_session RENAME TO watch;
CREATE INDEX watch_session_id ON watch (session_id, id);
CREATE INDEX watch_alive ON watch (alive, id);
