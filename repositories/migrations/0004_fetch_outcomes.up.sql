-- How the last telling fetch of each device-day ended; the only evidence that a day is complete.
CREATE TABLE aquifer.fetch_outcomes (
  device_id text COLLATE "C" NOT NULL CHECK (length(device_id) BETWEEN 1 AND 64),
  day date NOT NULL,
  state text NOT NULL CHECK (state IN ('ok', 'empty', 'failed')),
  lines integer NOT NULL DEFAULT 0 CHECK (lines >= 0),
  error text NOT NULL DEFAULT '',
  attempts integer NOT NULL DEFAULT 1 CHECK (attempts >= 1),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (day, device_id)
);
