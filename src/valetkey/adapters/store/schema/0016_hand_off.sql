-- Codes with which backends open sessions under others, that are not used up.
CREATE TABLE hand_off (
    id TEXT NOT NULL PRIMARY KEY,
    forget_at ANY,
    session_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX hand_off_forget_at ON hand_off (forget_at, id);
CREATE INDEX hand_off_session_id ON hand_off (session_id, id);
