SELECT
  c.id, c.device_id, c.collected_at,
  c.banknotes, c.coins, c.total,
  c.collector, COALESCE(w.id, 0), COALESCE(w.name, ''), c.card_id, c.note, c.machine, c.version,
  c.created_at,
  c.updated_at,
  c.corrected_at
FROM aquifer.collections AS c
LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector
LEFT JOIN aquifer.workers AS w ON w.id = a.worker_id
WHERE c.device_id = :device::text
  AND c.collected_at = to_timestamp(:second::bigint)
