SELECT
  COALESCE(w.name, c.collector), count(*), count(DISTINCT c.device_id),
  (sum(c.banknotes) * 100)::bigint, (sum(c.coins) * 100)::bigint,
  min(c.collected_at), max(c.collected_at)
FROM aquifer.collections AS c
LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector
LEFT JOIN aquifer.workers AS w ON w.id = a.worker_id
WHERE c.collected_at >= (date '2025-06-01' + :day::int)::timestamptz
  AND c.collected_at < (date '2025-06-01' + :day::int + 1)::timestamptz
GROUP BY 1
ORDER BY 1
