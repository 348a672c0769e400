CREATE INDEX collections_by_time_alone ON aquifer.collections (collected_at, id);
DROP INDEX aquifer.collections_by_time;
ALTER INDEX aquifer.collections_by_time_alone RENAME TO collections_by_time;

DROP AGGREGATE aquifer.sum_minor(bigint);
