-- The run of a job for each key: one row however many try it and however often. A lease that ran out
-- is no state of its own: it is a running row whose lease_expires_at has passed. `attempt` counts how
-- often the run was acquired, and `lease_token` is the last holder's own.
CREATE TABLE aquifer.job_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job text COLLATE "C" NOT NULL CHECK (length(job) BETWEEN 1 AND 64),
  key text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'succeeded', 'failed')),
  attempt integer NOT NULL DEFAULT 1 CHECK (attempt >= 1),
  holder text NOT NULL CHECK (length(holder) BETWEEN 1 AND 128),
  lease_token text NOT NULL CHECK (length(lease_token) BETWEEN 1 AND 36),
  lease_expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  began_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  result text NOT NULL DEFAULT '' CHECK (length(result) <= 4000),
  CONSTRAINT job_runs_key UNIQUE (job, key),
  CONSTRAINT job_runs_finished CHECK ((state = 'running') = (finished_at IS NULL)),
  CONSTRAINT job_runs_result CHECK (state <> 'running' OR result = '')
);
CREATE INDEX job_runs_by_time ON aquifer.job_runs (created_at, id);
CREATE INDEX job_runs_by_job ON aquifer.job_runs (job, created_at, id);

-- How far a run's message to a chat is: one row a run and chat. `attempt` is the run's when this was
-- recorded; a claim of an earlier one is in doubt.
CREATE TABLE aquifer.deliveries (
  run_id bigint NOT NULL REFERENCES aquifer.job_runs (id),
  chat_id bigint NOT NULL CHECK (chat_id <> 0),
  state text NOT NULL CHECK (state IN ('claimed', 'sent', 'failed')),
  attempt integer NOT NULL CHECK (attempt >= 1),
  error text NOT NULL DEFAULT '' CHECK (length(error) <= 500),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, chat_id),
  CONSTRAINT deliveries_error CHECK (state = 'failed' OR error = '')
);
