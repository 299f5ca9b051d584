-- The master keys that are or were current, by name: the keys themselves are in no database.
CREATE TABLE master_keys (
    id TEXT NOT NULL PRIMARY KEY,
    -- From then on secrets are sealed under it, until the next one is current.
    current_from TIMESTAMP NOT NULL,
    -- From then on nobody uses it for anything.
    retired_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
