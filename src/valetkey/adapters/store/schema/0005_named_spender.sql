-- Whom runs named to take tokens of an account: what is left of it is asked from its chain.
CREATE TABLE named_spender (
    id TEXT NOT NULL PRIMARY KEY,
    session_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX named_spender_session_id ON named_spender (session_id, id);
