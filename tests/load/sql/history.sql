SELECT
  c.collected_at::date, count(*), (sum(c.banknotes) * 100)::bigint, (sum(c.coins) * 100)::bigint,
  min(c.collected_at), max(c.collected_at)
FROM aquifer.collections AS c
WHERE c.collected_at >= to_timestamp(:first::bigint)
  AND c.collected_at < to_timestamp(:last::bigint + 1)
GROUP BY 1
ORDER BY 1
