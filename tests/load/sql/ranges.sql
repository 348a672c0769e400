SELECT
  c.id, c.device_id, c.collected_at,
  c.banknotes, c.coins, c.total,
  c.collector, COALESCE(w.id, 0), COALESCE(w.name, ''), c.card_id, c.note, c.machine, c.version,
  c.created_at,
  c.updated_at,
  c.corrected_at
FROM (
  SELECT
    c.id, c.device_id, c.collected_at, c.banknotes, c.coins, c.total, c.collector, c.card_id,
    c.note, c.machine, c.version, c.created_at, c.updated_at, c.corrected_at
  FROM aquifer.collections AS c
  WHERE c.collected_at >= to_timestamp(:first::bigint)
    AND c.collected_at < to_timestamp(:last::bigint + 1)
  ORDER BY c.collected_at DESC, c.id DESC
  LIMIT 101
) AS c
LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector
LEFT JOIN aquifer.workers AS w ON w.id = a.worker_id
ORDER BY c.collected_at DESC, c.id DESC
