ALTER TABLE aquifer.collections DROP COLUMN corrected_at;
