ALTER TABLE aquifer.collections RESET (
  autovacuum_vacuum_insert_scale_factor,
  autovacuum_vacuum_insert_threshold
);
