-- What a corrected or deleted line was before, who asked and why.
CREATE TABLE aquifer.collection_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collection_id bigint NOT NULL,
  action text NOT NULL CHECK (action IN ('correct', 'delete')),
  reason text NOT NULL CHECK (reason <> ''),
  actor text NOT NULL,
  before jsonb NOT NULL,
  audited_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX collection_audit_by_collection ON aquifer.collection_audit (collection_id, id);
