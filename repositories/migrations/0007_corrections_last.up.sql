-- When a line was last corrected; NULL if never. A corrected line keeps its amounts and its collector
-- when the same line is fetched again.
ALTER TABLE aquifer.collections ADD COLUMN corrected_at timestamptz;

-- Those corrected before this column. People correct line by line, so they are few.
UPDATE aquifer.collections AS line
SET corrected_at = audited.last_at
FROM (
  SELECT collection_id, max(audited_at) AS last_at
  FROM aquifer.collection_audit
  WHERE action = 'correct'
  GROUP BY collection_id
) AS audited
WHERE line.id = audited.collection_id;
