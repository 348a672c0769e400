-- Every device that ever had a line or a fetch outcome.
CREATE TABLE aquifer.devices (
  device_id text COLLATE "C" PRIMARY KEY CHECK (length(device_id) BETWEEN 1 AND 64),
  first_seen_at timestamptz NOT NULL DEFAULT now()
);

-- Money taken out of machines, line by line. (device_id, collected_at) is a line's identity.
CREATE TABLE aquifer.collections (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text COLLATE "C" NOT NULL CHECK (length(device_id) BETWEEN 1 AND 64),
  collected_at timestamptz NOT NULL,
  banknotes numeric(12, 2) NOT NULL CHECK (banknotes >= 0),
  coins numeric(12, 2) NOT NULL CHECK (coins >= 0),
  total numeric(13, 2) NOT NULL GENERATED ALWAYS AS (banknotes + coins) STORED,
  collector text COLLATE "C" NOT NULL DEFAULT '',
  card_id text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',
  machine text NOT NULL DEFAULT '',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT collections_key UNIQUE (device_id, collected_at)
);

CREATE INDEX collections_by_time ON aquifer.collections (collected_at, id);
CREATE INDEX collections_by_collector ON aquifer.collections (collector, collected_at, id);
