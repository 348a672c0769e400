"""The lines the database is filled with, and how each measurement finds it as the first one did.

caller/history.h knows the same lines by number, so that every answer can be checked.
"""

FIRST_SECOND = 1748736000  # 2025-06-01 00:00:00 UTC
STEP_SECONDS = 26
COLLECTORS = 40
DEVICES = 10000

# Indexes are dropped first and made last, which is quicker; no hour is marked as changed, because all
# days are summed anew after it. From then on the triggers that mark what strangers change are off: the
# peers shall not pay for what only Aquifer's summaries need.
FILL = """
SET client_min_messages = warning;
CREATE TEMP TABLE index_of AS
SELECT 'ALTER TABLE aquifer.collections DROP CONSTRAINT ' || conname AS dropping,
       'ALTER TABLE aquifer.collections ADD CONSTRAINT ' || conname || ' '
         || pg_get_constraintdef(oid) AS making
FROM pg_constraint
WHERE conrelid = 'aquifer.collections'::regclass AND contype IN ('p', 'u')
UNION ALL
SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i
WHERE i.indrelid = 'aquifer.collections'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid);
SELECT dropping FROM index_of \\gexec
ALTER TABLE aquifer.collections DISABLE TRIGGER USER;
INSERT INTO aquifer.devices (device_id)
SELECT n FROM generate_series(0, {devices} - 1) AS n;
INSERT INTO aquifer.collections
  (device_id, collected_at, banknotes, coins, collector, card_id, note, machine)
SELECT
  n * 7919 % {devices},
  to_timestamp({first} + n * {step}),
  n % 5000,
  n % 300 / 100.0,
  'Інкасатор ' || n % {collectors},
  lpad((n % {collectors} * 4711)::text, 7, '0'),
  'Інкасація: банкноти ' || n % 5000 || '.00, монети ' || n % 300 / 100.0,
  'вул. Соборна ' || n * 7919 % {devices} % 200 || ', вхід ' || n * 7919 % {devices} % 4
FROM generate_series(1::bigint, {lines}) AS n;
SELECT making FROM index_of \\gexec
ALTER TABLE aquifer.collections ENABLE TRIGGER USER;
SELECT format('ALTER DATABASE %I SET aquifer.marks = statement', current_database()) \\gexec
INSERT INTO aquifer.workers (name) SELECT 'Працівник ' || n FROM generate_series(1, 10) AS n;
INSERT INTO aquifer.collector_aliases (collector, worker_id)
SELECT 'Інкасатор ' || n, n % 10 + 1 FROM generate_series(0, 29) AS n;
INSERT INTO aquifer.job_runs (job, key, holder, lease_token, lease_expires_at)
VALUES ('broadcast', 'load', 'load', 'load', 'infinity');
VACUUM ANALYZE;
"""

# Takes away what a measurement stored, and marks its days. The checkpoint lets each measurement of
# writes begin at the same point: the first change of a page after one is the dearest.
RESTORE = """
SET aquifer.marks = 'triggers';
DELETE FROM aquifer.collections WHERE collected_at > to_timestamp({last});
VACUUM aquifer.collections;
TRUNCATE aquifer.deliveries, aquifer.fetch_outcomes;
CHECKPOINT;
"""


def last_second(lines):
    """When the last line was collected, in seconds since 1970."""
    return FIRST_SECOND + lines * STEP_SECONDS


def fill(database, lines):
    database.run(FILL.format(lines=lines, devices=DEVICES, collectors=COLLECTORS,
                             first=FIRST_SECOND, step=STEP_SECONDS))


def restore(database, lines):
    database.run(RESTORE.format(last=last_second(lines)))
