WITH given AS MATERIALIZED (
  SELECT :device::text COLLATE "C" AS device_id, date '2026-01-01' + :day::integer AS day
), registered AS (
  INSERT INTO aquifer.devices (device_id)
  SELECT given.device_id
  FROM given
  WHERE NOT EXISTS (
    SELECT FROM aquifer.devices AS device WHERE device.device_id = given.device_id)
  ON CONFLICT DO NOTHING
  RETURNING device_id
)
INSERT INTO aquifer.fetch_outcomes AS outcome (device_id, day, state, lines)
SELECT device_id, day, 'ok', 2
FROM given
WHERE (SELECT count(*) FROM registered) >= 0
ON CONFLICT (day, device_id) DO UPDATE
SET state = excluded.state,
    lines = excluded.lines,
    attempts = outcome.attempts + 1,
    recorded_at = now()
RETURNING outcome.device_id, outcome.day, outcome.state, outcome.attempts
