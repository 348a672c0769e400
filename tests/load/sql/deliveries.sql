WITH run AS MATERIALIZED (
  SELECT run.id, run.attempt
  FROM aquifer.job_runs AS run
  WHERE run.job = 'broadcast' AND run.key = 'load'
  FOR SHARE
)
INSERT INTO aquifer.deliveries AS delivery (run_id, chat_id, state, attempt)
SELECT run.id, :chat::bigint, 'sent', run.attempt
FROM run
ON CONFLICT (run_id, chat_id) DO UPDATE
SET state = excluded.state,
    attempt = excluded.attempt,
    recorded_at = now()
WHERE delivery.state <> 'sent'
RETURNING delivery.state, delivery.attempt, delivery.recorded_at, delivery.xmax = 0
