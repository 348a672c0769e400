-- The machines of the fleet as the vendor knows them. The rating is that of the latest test.
CREATE TABLE aquifer.machines (
  device_id text COLLATE "C" PRIMARY KEY CHECK (length(device_id) BETWEEN 1 AND 64),
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 256),
  location text NOT NULL DEFAULT '' CHECK (length(location) <= 500),
  status text NOT NULL DEFAULT 'operational'
    CHECK (status IN ('operational', 'maintenance', 'out_of_service', 'low_water')),
  water_level_percent smallint CHECK (water_level_percent BETWEEN 0 AND 100),
  daily_sales_litres numeric(12, 3) CHECK (daily_sales_litres >= 0),
  monthly_sales_litres numeric(12, 3) CHECK (monthly_sales_litres >= 0),
  last_maintenance_at timestamptz,
  next_maintenance_at timestamptz,
  filter_life_days integer CHECK (filter_life_days BETWEEN 0 AND 36500),
  alerts text[] NOT NULL DEFAULT '{}'
    CHECK (cardinality(alerts) <= 50 AND array_position(alerts, NULL) IS NULL),
  water_quality text
    CHECK (water_quality IN ('excellent', 'good', 'fair', 'poor', 'critical')),
  water_quality_tested_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT machines_rated_by_a_test
    CHECK ((water_quality IS NULL) = (water_quality_tested_at IS NULL))
);

-- The people who keep the machines running.
CREATE TABLE aquifer.technicians (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 64),
  email text NOT NULL DEFAULT '' CHECK (length(email) <= 256),
  specialization text NOT NULL DEFAULT 'general'
    CHECK (specialization IN ('general', 'filters', 'electronics', 'plumbing')),
  status text NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'busy', 'off_duty')),
  current_location text NOT NULL DEFAULT '' CHECK (length(current_location) <= 500),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What is to be done, and what was. Urgency is no state: it is the priority, and being overdue.
-- due_at orders tasks by schedule: those without an instant come with the last one there can be.
CREATE TABLE aquifer.maintenance_tasks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
  location text NOT NULL DEFAULT '' CHECK (length(location) <= 500),
  estimated_duration text NOT NULL DEFAULT '' CHECK (length(estimated_duration) <= 100),
  parts_needed text NOT NULL DEFAULT '' CHECK (length(parts_needed) <= 1000),
  type text COLLATE "C" NOT NULL CHECK (type IN (
    'filter_replacement', 'system_cleaning', 'water_quality_test', 'equipment_repair',
    'preventive_maintenance', 'emergency_repair')),
  status text COLLATE "C" NOT NULL
    CHECK (status IN ('pending', 'scheduled', 'in_progress', 'completed', 'cancelled')),
  priority text COLLATE "C" NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'critical')),
  scheduled_at timestamptz CHECK (scheduled_at <= timestamptz '9999-12-31 23:59:59.999999+00'),
  due_at timestamptz NOT NULL GENERATED ALWAYS AS
    (COALESCE(scheduled_at, timestamptz '9999-12-31 23:59:59.999999+00')) STORED,
  completed_at timestamptz,
  device_id text COLLATE "C" REFERENCES aquifer.machines (device_id),
  technician_id bigint REFERENCES aquifer.technicians (id),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT maintenance_tasks_completed_at_its_time
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
  CONSTRAINT maintenance_tasks_scheduled_for_a_time
    CHECK (status <> 'scheduled' OR scheduled_at IS NOT NULL)
);

CREATE INDEX maintenance_tasks_by_state ON aquifer.maintenance_tasks (status, priority, id);
CREATE INDEX maintenance_tasks_by_type ON aquifer.maintenance_tasks (type, id);
CREATE INDEX maintenance_tasks_by_schedule ON aquifer.maintenance_tasks (status, due_at, id);
CREATE INDEX maintenance_tasks_by_machine ON aquifer.maintenance_tasks (device_id, id);
CREATE INDEX maintenance_tasks_by_technician ON aquifer.maintenance_tasks (technician_id, id);
-- What a technician has to do, however much they have done.
CREATE INDEX maintenance_tasks_open_by_technician ON aquifer.maintenance_tasks (technician_id)
  WHERE status IN ('pending', 'scheduled', 'in_progress');

-- What tests of the water found. NULL is a measure that was not taken.
CREATE TABLE aquifer.water_quality_tests (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text COLLATE "C" NOT NULL REFERENCES aquifer.machines (device_id),
  tested_at timestamptz NOT NULL,
  ph numeric(4, 2) CHECK (ph BETWEEN 0 AND 14),
  tds numeric(7, 2) CHECK (tds >= 0),
  chlorine numeric(5, 2) CHECK (chlorine BETWEEN 0 AND 100),
  bacteria_per_millilitre integer CHECK (bacteria_per_millilitre >= 0),
  overall_rating text COLLATE "C" NOT NULL
    CHECK (overall_rating IN ('excellent', 'good', 'fair', 'poor', 'critical')),
  notes text NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
  tested_by text NOT NULL DEFAULT '' CHECK (length(tested_by) <= 200),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX water_quality_tests_by_machine
  ON aquifer.water_quality_tests (device_id, tested_at, id);
CREATE INDEX water_quality_tests_by_rating
  ON aquifer.water_quality_tests (overall_rating, tested_at, id);
