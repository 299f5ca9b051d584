CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    at TIMESTAMP NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    session TEXT,
    address TEXT,
    details TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_subject ON events (subject);
