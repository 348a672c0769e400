SELECT
  c.id, c.device_id, (EXTRACT(EPOCH FROM c.collected_at) * 1000000)::bigint,
  c.collected_at::date::text,
  (c.banknotes * 100)::bigint, (c.coins * 100)::bigint, (c.total * 100)::bigint,
  c.collector, COALESCE(w.id, 0), COALESCE(w.name, ''), c.card_id, c.note, c.machine, c.version,
  (EXTRACT(EPOCH FROM c.created_at) * 1000000)::bigint,
  (EXTRACT(EPOCH FROM c.updated_at) * 1000000)::bigint,
  (EXTRACT(EPOCH FROM c.corrected_at) * 1000000)::bigint
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
