-- Text with the case of Latin and Cyrillic letters taken out, to be searched in. lower() knows the
-- letters of the database's own LC_CTYPE, which may be those of ASCII alone; translate() does the
-- others, and makes one of the three apostrophes that Ukrainian names are written with.
CREATE FUNCTION aquifer.folded(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT translate(
    lower(value),
    'ЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯҐÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ’ʼ',
    'ѐёђѓєѕіїјљњћќѝўџабвгдежзийклмнопрстуфхцчшщъыьэюяґàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ''''')
$$;

-- The people of the fleet. Employed, on shift (see shifts) and receiving summaries are three facts.
-- A worker known only from collector texts has no chat yet. A deleted one keeps chat_id, so that the
-- chat's next registration brings the same worker back.
ALTER TABLE aquifer.workers
  ADD COLUMN chat_id bigint CONSTRAINT workers_chat UNIQUE CHECK (chat_id <> 0),
  ADD COLUMN phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 32),
  ADD COLUMN employed boolean NOT NULL DEFAULT true,
  ADD COLUMN receives_summaries boolean NOT NULL DEFAULT false,
  ADD COLUMN dialogue_state text NOT NULL DEFAULT '' CHECK (length(dialogue_state) <= 1000),
  ADD COLUMN version bigint NOT NULL DEFAULT 1,
  ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN deleted_at timestamptz;

CREATE INDEX workers_to_send_summaries ON aquifer.workers (id)
  WHERE receives_summaries AND chat_id IS NOT NULL AND deleted_at IS NULL;

-- When workers worked. A shift without an end is under way; a worker has one such at most.
CREATE TABLE aquifer.shifts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  worker_id bigint NOT NULL REFERENCES aquifer.workers (id),
  started_at timestamptz NOT NULL,
  ended_at timestamptz CHECK (ended_at > started_at),
  -- What work_points refers to, so that a point and its shift have one worker.
  CONSTRAINT shifts_of_worker UNIQUE (id, worker_id)
);

CREATE UNIQUE INDEX shifts_under_way ON aquifer.shifts (worker_id) WHERE ended_at IS NULL;
CREATE INDEX shifts_by_worker ON aquifer.shifts (worker_id, started_at);

-- Where a worker was during a shift.
CREATE TABLE aquifer.work_points (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  shift_id bigint NOT NULL,
  worker_id bigint NOT NULL,
  type text NOT NULL CHECK (type IN ('start', 'device', 'waypoint', 'end')),
  -- Empty unless the type is device.
  device_id text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(device_id) <= 64),
  latitude double precision CHECK (latitude BETWEEN -90 AND 90),
  longitude double precision CHECK (longitude BETWEEN -180 AND 180),
  address text NOT NULL DEFAULT '' CHECK (length(address) <= 500),
  recorded_at timestamptz NOT NULL,
  FOREIGN KEY (shift_id, worker_id) REFERENCES aquifer.shifts (id, worker_id),
  CONSTRAINT work_points_device CHECK ((type = 'device') = (device_id <> '')),
  CONSTRAINT work_points_coordinates CHECK ((latitude IS NULL) = (longitude IS NULL))
);

CREATE INDEX work_points_by_shift ON aquifer.work_points (shift_id, recorded_at, id);
CREATE INDEX work_points_by_worker ON aquifer.work_points (worker_id, recorded_at, id);
CREATE UNIQUE INDEX work_points_one_start_and_end ON aquifer.work_points (shift_id, type)
  WHERE type IN ('start', 'end');

-- Which devices a worker looks after. A device may be new to the fleet, and be several workers'.
CREATE TABLE aquifer.assigned_devices (
  worker_id bigint NOT NULL REFERENCES aquifer.workers (id) ON DELETE CASCADE,
  device_id text COLLATE "C" NOT NULL CHECK (length(device_id) BETWEEN 1 AND 64),
  assigned_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (worker_id, device_id)
);

CREATE INDEX assigned_devices_by_device ON aquifer.assigned_devices (device_id, worker_id);
