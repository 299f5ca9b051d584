ALTER TABLE nodes DROP COLUMN reload_every_s;
