-- The processes that serve from this database.
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    -- For people: machine and address.
    name TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    -- The master keys that it has at hand, by name, separated by spaces.
    master_keys TEXT NOT NULL
) WITHOUT ROWID;
