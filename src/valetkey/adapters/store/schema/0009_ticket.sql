-- Tickets that are not used up: by whom they were asked for.
CREATE TABLE ticket (
    id TEXT NOT NULL PRIMARY KEY,
    subject_id ANY,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX ticket_subject_id ON ticket (subject_id, id);
