-- Sums of the lines of each day but today, so that a summary reads a row where it read many lines. What they
-- were made of is never looked for: whoever changes lines leaves a mark at the hours of them, in the
-- same transaction, and a day with a mark is read from its lines until it is summed anew.
-- repositories/collection_rollup.h tells how that is done while others write.

-- Texts by number, which a sum over many compares and hashes faster.
CREATE TABLE aquifer.rollup_devices (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE aquifer.rollup_collectors (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collector text COLLATE "C" NOT NULL UNIQUE
);

-- The lines of a day at one device with one collector's text. A visit counts where its first line
-- does.
CREATE TABLE aquifer.rollup_cells (
  day date NOT NULL,
  device integer NOT NULL,
  collector integer NOT NULL,
  lines integer NOT NULL,
  visits integer NOT NULL,
  banknotes_minor bigint NOT NULL,
  coins_minor bigint NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (day, device, collector)
);

-- The cells of a day in one row.
CREATE TABLE aquifer.rollup_days (
  day date PRIMARY KEY,
  lines bigint NOT NULL,
  visits bigint NOT NULL,
  devices bigint NOT NULL,
  collectors integer[] NOT NULL,
  banknotes_minor bigint NOT NULL,
  coins_minor bigint NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL
);

-- The marks: hours of UTC, because whoever writes may have another zone than the fleet's. `claim`
-- tells those that were taken to be summed from those left since, `fence` the transactions that is
-- to wait for.
CREATE TABLE aquifer.rollup_changes (
  hour timestamptz NOT NULL,
  marked_at timestamptz NOT NULL DEFAULT now(),
  claim bigint NOT NULL DEFAULT 0,
  fence text[]
);
CREATE INDEX rollup_changes_by_hour ON aquifer.rollup_changes (hour);

-- The zone whose days these are; one row.
CREATE TABLE aquifer.rollup_zone (
  zone text NOT NULL
);
INSERT INTO aquifer.rollup_zone (zone) VALUES (current_setting('TimeZone'));

-- Marks the hours of what a statement changed. A mark that is there already is not waited for,
-- whoever left it: so marks are not unique, and a few of an hour may stand side by side. Looking for
-- one is right only where a statement sees what was committed before it. Whose statements mark by
-- themselves says so in `aquifer.marks`.
CREATE FUNCTION aquifer.mark_changed_hours() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO aquifer.rollup_changes (hour)
  SELECT DISTINCT touched.hour
  FROM (SELECT date_trunc('hour', changed.collected_at, 'UTC') AS hour FROM changed) AS touched
  WHERE current_setting('transaction_isolation') <> 'read committed'
    OR NOT EXISTS (
      SELECT FROM aquifer.rollup_changes AS mark WHERE mark.hour = touched.hour AND mark.claim = 0);
  RETURN NULL;
END
$$;

-- A line's time is part of its identity and no statement of ours moves it.
CREATE FUNCTION aquifer.mark_left_hour() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO aquifer.rollup_changes (hour)
  VALUES (date_trunc('hour', OLD.collected_at, 'UTC'));
  RETURN NULL;
END
$$;

-- Marks every hour that has lines, found by hopping from one to the next in the index, and every day
-- that has sums: all of it is summed anew.
CREATE FUNCTION aquifer.mark_all_hours() RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO aquifer.rollup_changes (hour)
  WITH RECURSIVE used (hour) AS (
    SELECT (
      SELECT date_trunc('hour', min(line.collected_at), 'UTC')
      FROM aquifer.collections AS line
      WHERE line.collected_at > '-infinity' AND line.collected_at < 'infinity')
    UNION ALL
    SELECT (
      SELECT date_trunc('hour', min(line.collected_at), 'UTC')
      FROM aquifer.collections AS line
      WHERE line.collected_at >= used.hour + interval '1 hour'
        AND line.collected_at < 'infinity')
    FROM used
    WHERE used.hour IS NOT NULL
  )
  SELECT used.hour FROM used WHERE used.hour IS NOT NULL
  UNION
  SELECT date_trunc('hour', summed.day::timestamptz, 'UTC') FROM aquifer.rollup_days AS summed
$$;

CREATE FUNCTION aquifer.mark_all_hours_of_truncated() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM aquifer.mark_all_hours();
  RETURN NULL;
END
$$;

CREATE TRIGGER mark_inserted AFTER INSERT ON aquifer.collections
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT
  WHEN (current_setting('aquifer.marks', true) IS DISTINCT FROM 'statement')
  EXECUTE FUNCTION aquifer.mark_changed_hours();
CREATE TRIGGER mark_updated AFTER UPDATE ON aquifer.collections
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT
  WHEN (current_setting('aquifer.marks', true) IS DISTINCT FROM 'statement')
  EXECUTE FUNCTION aquifer.mark_changed_hours();
CREATE TRIGGER mark_deleted AFTER DELETE ON aquifer.collections
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT
  WHEN (current_setting('aquifer.marks', true) IS DISTINCT FROM 'statement')
  EXECUTE FUNCTION aquifer.mark_changed_hours();
CREATE TRIGGER mark_moved AFTER UPDATE OF collected_at ON aquifer.collections
  FOR EACH ROW EXECUTE FUNCTION aquifer.mark_left_hour();
CREATE TRIGGER mark_truncated AFTER TRUNCATE ON aquifer.collections
  FOR EACH STATEMENT EXECUTE FUNCTION aquifer.mark_all_hours_of_truncated();

SELECT aquifer.mark_all_hours();
