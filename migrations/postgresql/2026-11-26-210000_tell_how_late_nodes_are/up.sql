-- A node may take so long to learn of a change of the keys: schedules have to wait for the slowest, whose
-- settings may be others. A node of an older version, which does not say it, may take as long as any.
ALTER TABLE nodes ADD COLUMN reload_every_s BIGINT NOT NULL DEFAULT 300;
