-- One row for the whole installation. Locking it serialises what must happen only once.
CREATE TABLE instance (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Raised after a restore from a backup: sessions of older epochs are refused.
    epoch BIGINT NOT NULL
);
INSERT INTO instance (id, epoch) VALUES (1, 0);
