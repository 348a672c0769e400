-- The first answer to each write that carried a request_id: a repeat gets it and writes nothing. A
-- partition a day (of UTC, whatever the fleet's zone is), made ahead and dropped whole by the server.
-- What comes while it could make none goes to requests_default, so that no write fails for it.
--
-- The key of a partitioned table must hold what it is partitioned by, so it does not keep an id from
-- being there twice, on either side of midnight. claim_request does.
CREATE TABLE aquifer.requests (
  request_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  method text COLLATE "C" NOT NULL CHECK (method <> ''),
  fingerprint bigint NOT NULL,
  response bytea NOT NULL,
  CONSTRAINT requests_key PRIMARY KEY (request_id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE aquifer.requests_default PARTITION OF aquifer.requests DEFAULT;

-- Makes the caller's transaction the only one with this request_id until it ends, and answers what is
-- kept under it, in whatever partition. Every statement of a volatile function has a snapshot of its
-- own, so the second sees what the lock's last holder committed.
CREATE FUNCTION aquifer.claim_request(claimed uuid)
RETURNS TABLE (method text, fingerprint bigint, response text)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(claimed::text, 0));
  RETURN QUERY
    SELECT kept.method, kept.fingerprint, encode(kept.response, 'hex')
    FROM aquifer.requests AS kept
    WHERE kept.request_id = claimed;
END
$$;

-- Makes the first partition that is missing among today's and those of the days ahead, and answers
-- its name; NULL if none is, or another instance is at it. It is attached, not created in place,
-- because that lets others go on writing. A day whose rows lie in requests_default already stays there.
CREATE FUNCTION aquifer.make_request_partition(days_ahead integer)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET lock_timeout = '200ms'
AS $$
DECLARE
  today constant date := (now() AT TIME ZONE 'UTC')::date;
  first_instant timestamptz;
  next_instant timestamptz;
  part text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('aquifer.requests', 0)) THEN
    RETURN NULL;
  END IF;
  FOR ahead IN 0 .. days_ahead LOOP
    part := 'requests_' || to_char(today + ahead, 'YYYYMMDD');
    first_instant := (today + ahead)::timestamp AT TIME ZONE 'UTC';
    next_instant := (today + ahead + 1)::timestamp AT TIME ZONE 'UTC';
    IF to_regclass('aquifer.' || part) IS NULL
       AND NOT EXISTS (SELECT FROM aquifer.requests_default AS kept
                       WHERE kept.created_at >= first_instant AND kept.created_at < next_instant) THEN
      EXECUTE format('CREATE TABLE aquifer.%I (LIKE aquifer.requests INCLUDING ALL)', part);
      EXECUTE format('ALTER TABLE aquifer.requests ATTACH PARTITION aquifer.%I '
                     'FOR VALUES FROM (%L) TO (%L)', part, first_instant, next_instant);
      RETURN part;
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

-- Drops the oldest partition whose every row is older than `keep`, and answers its name; NULL if
-- there is none, or another instance is at it. Of requests_default, deletes the rows that are.
CREATE FUNCTION aquifer.drop_request_partition(keep interval)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET lock_timeout = '200ms'
AS $$
DECLARE
  -- The last day that ended before every row worth keeping.
  last_day constant date := ((now() - keep) AT TIME ZONE 'UTC')::date - 1;
  part text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('aquifer.requests', 0)) THEN
    RETURN NULL;
  END IF;
  SELECT child.relname
  INTO part
  FROM pg_catalog.pg_inherits AS link
  JOIN pg_catalog.pg_class AS child ON child.oid = link.inhrelid
  WHERE link.inhparent = 'aquifer.requests'::regclass
    AND child.relname ~ '^requests_[0-9]{8}$'
    AND child.relname <= 'requests_' || to_char(last_day, 'YYYYMMDD')
  ORDER BY child.relname
  LIMIT 1;
  IF part IS NULL THEN
    DELETE FROM aquifer.requests_default AS kept WHERE kept.created_at < now() - keep;
    RETURN NULL;
  END IF;
  EXECUTE format('DROP TABLE aquifer.%I', part);
  RETURN part;
END
$$;
