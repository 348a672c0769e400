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
  c.id, c.device_id, c.collected_at,
  c.banknotes, c.coins, c.total,
  c.collector, c.card_id, c.note, c.machine, c.version,
  c.created_at,
  c.updated_at,
  c.corrected_at
