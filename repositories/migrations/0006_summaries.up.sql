-- What SummarizeCollections needs to sum a month of 100,000 lines at once.

-- Sums of minor units. Exact as sum(numeric) is, without its state of several allocations a group;
-- beyond bigint it fails rather than wraps.
CREATE AGGREGATE aquifer.sum_minor(bigint) (
  SFUNC = int8pl,
  STYPE = bigint,
  COMBINEFUNC = int8pl,
  PARALLEL = SAFE
);

-- collections_by_time once more, with what a summary reads in it: a range of time costs the same
-- whatever order its lines were stored in.
CREATE INDEX collections_by_time_covering ON aquifer.collections (collected_at, id)
  INCLUDE (device_id, collector, banknotes, coins);
DROP INDEX aquifer.collections_by_time;
ALTER INDEX aquifer.collections_by_time_covering RENAME TO collections_by_time;
