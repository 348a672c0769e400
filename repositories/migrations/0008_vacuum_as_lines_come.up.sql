-- An index-only scan is one only over pages that a vacuum has marked all-visible. Lines are mostly
-- inserted, and by default a vacuum comes once a fifth of the table is new: with ten million lines
-- that is 20 months of 100,000, in which every summary of a recent month would fetch each of its
-- lines from the table beside collections_by_time. A fixed number instead comes every few days at
-- that rate, and costs little: a vacuum skips the pages that are marked already. A small fleet
-- reaches it rarely, and its table is small enough not to need it.
ALTER TABLE aquifer.collections SET (
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 10000
);
