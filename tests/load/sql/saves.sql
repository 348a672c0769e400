WITH line AS MATERIALIZED (
  SELECT
    :device::text COLLATE "C" AS device_id,
    to_timestamp(:second::bigint) AS collected_at,
    :banknotes::bigint / 100.0 AS banknotes,
    :coins::bigint / 100.0 AS coins,
    'collector 7' AS collector,
    '0004711' AS card_id,
    'notes and coins, taken by hand' AS note,
    'Central market, entrance 3' AS machine
), known AS MATERIALIZED (
  SELECT
    c.id, c.device_id, c.collected_at, c.banknotes, c.coins, c.total, c.collector, c.card_id,
    c.note, c.machine, c.version, c.created_at, c.updated_at, c.corrected_at,
    (c.corrected_at IS NULL
      AND (line.banknotes > c.banknotes OR line.coins > c.coins
        OR (c.collector = '' AND line.collector <> ''))
      OR (c.card_id = '' AND line.card_id <> '')
      OR (c.note = '' AND line.note <> '')
      OR (c.machine = '' AND line.machine <> '')) AS gains
  FROM line
  JOIN aquifer.collections AS c
    ON c.device_id = line.device_id AND c.collected_at = line.collected_at
), registered AS (
  INSERT INTO aquifer.devices (device_id)
  SELECT line.device_id
  FROM line
  WHERE line.collected_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM known)
    AND NOT EXISTS (
      SELECT FROM aquifer.devices AS device WHERE device.device_id = line.device_id)
  ON CONFLICT DO NOTHING
  RETURNING device_id
), stored AS (
  INSERT INTO aquifer.collections AS c
    (device_id, collected_at, banknotes, coins, collector, card_id, note, machine)
  SELECT device_id, collected_at, banknotes, coins, collector, card_id, note, machine
  FROM line
  WHERE line.collected_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM known WHERE NOT known.gains)
    AND (SELECT count(*) FROM registered) >= 0
  ON CONFLICT ON CONSTRAINT collections_key DO UPDATE SET
    banknotes = CASE WHEN c.corrected_at IS NULL
      THEN GREATEST(c.banknotes, excluded.banknotes) ELSE c.banknotes END,
    coins = CASE WHEN c.corrected_at IS NULL
      THEN GREATEST(c.coins, excluded.coins) ELSE c.coins END,
    collector = CASE WHEN c.corrected_at IS NULL
      THEN COALESCE(NULLIF(c.collector, ''), excluded.collector) ELSE c.collector END,
    card_id = COALESCE(NULLIF(c.card_id, ''), excluded.card_id),
    note = COALESCE(NULLIF(c.note, ''), excluded.note),
    machine = COALESCE(NULLIF(c.machine, ''), excluded.machine),
    version = c.version + 1,
    updated_at = now()
  WHERE (c.corrected_at IS NULL
      AND (excluded.banknotes > c.banknotes OR excluded.coins > c.coins
        OR (c.collector = '' AND excluded.collector <> ''))
      OR (c.card_id = '' AND excluded.card_id <> '')
      OR (c.note = '' AND excluded.note <> '')
      OR (c.machine = '' AND excluded.machine <> ''))
  RETURNING
    c.id, c.device_id, c.collected_at, c.banknotes, c.coins, c.total, c.collector, c.card_id,
    c.note, c.machine, c.version, c.created_at, c.updated_at, c.corrected_at
), c AS (
  SELECT stored.*, CASE WHEN stored.version = 1 THEN 1 ELSE 2 END AS outcome
  FROM stored
  UNION ALL
  SELECT
    known.id, known.device_id, known.collected_at, known.banknotes, known.coins, known.total,
    known.collector, known.card_id, known.note, known.machine, known.version, known.created_at,
    known.updated_at, known.corrected_at, 3
  FROM known
  WHERE NOT known.gains
)
SELECT
  c.id, c.device_id, c.collected_at,
  c.banknotes, c.coins, c.total,
  c.collector, COALESCE(w.id, 0), COALESCE(w.name, ''), c.card_id, c.note, c.machine, c.version,
  c.created_at,
  c.updated_at,
  c.corrected_at,
  c.outcome, line.collected_at IS NOT NULL
FROM line
LEFT JOIN c ON true
LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector
LEFT JOIN aquifer.workers AS w ON w.id = a.worker_id
