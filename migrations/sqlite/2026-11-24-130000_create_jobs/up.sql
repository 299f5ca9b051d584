-- Jobs that one node does for all.
CREATE TABLE jobs (
    name TEXT NOT NULL PRIMARY KEY,
    -- Who is doing it, and until when nobody else will.
    lease_owner TEXT,
    lease_until TIMESTAMP,
    -- When it was last done.
    last_run_at TIMESTAMP,
    next_run_at TIMESTAMP NOT NULL,
    -- Of the last try, if it failed.
    last_error TEXT
) WITHOUT ROWID;
