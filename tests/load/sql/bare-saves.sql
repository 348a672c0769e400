INSERT INTO aquifer.collections AS c
  (device_id, collected_at, banknotes, coins, collector, card_id, note, machine)
VALUES (
  :device::text, to_timestamp(:second::bigint), :banknotes::bigint / 100.0, :coins::bigint / 100.0,
  'collector 7', '0004711', 'notes and coins, taken by hand', 'Central market, entrance 3')
ON CONFLICT ON CONSTRAINT collections_key DO UPDATE SET
  banknotes = GREATEST(c.banknotes, excluded.banknotes),
  coins = GREATEST(c.coins, excluded.coins),
  version = c.version + 1,
  updated_at = now()
WHERE excluded.banknotes > c.banknotes OR excluded.coins > c.coins
RETURNING
  c.id, c.device_id, (EXTRACT(EPOCH FROM c.collected_at) * 1000000)::bigint,
  c.collected_at::date::text,
  (c.banknotes * 100)::bigint, (c.coins * 100)::bigint, (c.total * 100)::bigint,
  c.collector, c.card_id, c.note, c.machine, c.version,
  (EXTRACT(EPOCH FROM c.created_at) * 1000000)::bigint,
  (EXTRACT(EPOCH FROM c.updated_at) * 1000000)::bigint,
  (EXTRACT(EPOCH FROM c.corrected_at) * 1000000)::bigint
