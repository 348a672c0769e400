-- The people who collect. This much of them is needed to give a raw text its one identity.
CREATE TABLE aquifer.workers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
);

-- Which worker a raw collector text means. Joined at read time, so past lines follow at once.
CREATE TABLE aquifer.collector_aliases (
  collector text COLLATE "C" PRIMARY KEY CHECK (length(collector) BETWEEN 1 AND 256),
  worker_id bigint NOT NULL REFERENCES aquifer.workers (id),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX collector_aliases_by_worker ON aquifer.collector_aliases (worker_id);
