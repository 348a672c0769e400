SELECT
  c.id, c.device_id, (EXTRACT(EPOCH FROM c.collected_at) * 1000000)::bigint,
  c.collected_at::date::text,
  (c.banknotes * 100)::bigint, (c.coins * 100)::bigint, (c.total * 100)::bigint,
  c.collector, COALESCE(w.id, 0), COALESCE(w.name, ''), c.card_id, c.note, c.machine, c.version,
  (EXTRACT(EPOCH FROM c.created_at) * 1000000)::bigint,
  (EXTRACT(EPOCH FROM c.updated_at) * 1000000)::bigint,
  (EXTRACT(EPOCH FROM c.corrected_at) * 1000000)::bigint
FROM aquifer.collections AS c
LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector
LEFT JOIN aquifer.workers AS w ON w.id = a.worker_id
WHERE c.device_id = :device::text
  AND c.collected_at = to_timestamp(:second::bigint)
