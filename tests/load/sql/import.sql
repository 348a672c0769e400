INSERT INTO aquifer.devices (device_id)
SELECT DISTINCT staged.device_id
FROM staged
WHERE NOT EXISTS (
  SELECT FROM aquifer.devices AS device WHERE device.device_id = staged.device_id)
ORDER BY staged.device_id
ON CONFLICT DO NOTHING;
INSERT INTO aquifer.collections AS c
  (device_id, collected_at, banknotes, coins, collector, card_id, note, machine)
SELECT device_id, collected_at, banknotes, coins, collector, card_id, note, machine
FROM staged
ORDER BY device_id, collected_at
ON CONFLICT ON CONSTRAINT collections_key DO UPDATE SET
  banknotes = GREATEST(c.banknotes, excluded.banknotes),
  coins = GREATEST(c.coins, excluded.coins),
  collector = COALESCE(NULLIF(c.collector, ''), excluded.collector),
  card_id = COALESCE(NULLIF(c.card_id, ''), excluded.card_id),
  note = COALESCE(NULLIF(c.note, ''), excluded.note),
  machine = COALESCE(NULLIF(c.machine, ''), excluded.machine),
  version = c.version + 1,
  updated_at = now()
WHERE c.corrected_at IS NULL
  AND (excluded.banknotes > c.banknotes OR excluded.coins > c.coins
    OR (c.collector = '' AND excluded.collector <> '')
    OR (c.card_id = '' AND excluded.card_id <> '')
    OR (c.note = '' AND excluded.note <> '')
    OR (c.machine = '' AND excluded.machine <> ''));
