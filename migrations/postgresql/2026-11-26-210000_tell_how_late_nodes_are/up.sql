-- A node may take so long to learn of a change of the keys: schedules have to wait for the slowest, whose
-- settings may be others.
ALTER TABLE nodes ADD COLUMN reload_every_s BIGINT NOT NULL DEFAULT 0;
