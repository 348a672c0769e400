#include "tests/testing/schema_snapshot.h"

namespace aquifer::testing {
namespace {

constexpr char kSnapshot[] = R"sql(
WITH relations AS (
  SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relacl, c.reloptions
  FROM pg_class AS c
  WHERE c.relnamespace = to_regnamespace('aquifer')
), lines (line) AS (
  SELECT concat_ws(' ', 'relation', relkind, name, relacl::text, reloptions::text,
                   obj_description(oid, 'pg_class'))
  FROM relations
  UNION ALL
  SELECT concat_ws(' ', 'column', r.name, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
                   a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation,
                   pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
  FROM relations AS r
  JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
  UNION ALL
  SELECT concat_ws(' ', 'constraint', r.name, k.conname, k.convalidated, pg_get_constraintdef(k.oid))
  FROM relations AS r
  JOIN pg_constraint AS k ON k.conrelid = r.oid
  UNION ALL
  SELECT concat_ws(' ', 'index', i.indisvalid, pg_get_indexdef(i.indexrelid))
  FROM relations AS r
  JOIN pg_index AS i ON i.indrelid = r.oid
  UNION ALL
  SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid))
  FROM relations AS r
  JOIN pg_trigger AS t ON t.tgrelid = r.oid AND NOT t.tgisinternal
  UNION ALL
  SELECT concat_ws(' ', 'function', pg_get_functiondef(p.oid), p.proacl::text)
  FROM pg_proc AS p
  WHERE p.pronamespace = to_regnamespace('aquifer') AND p.prokind <> 'a'
  UNION ALL
  SELECT concat_ws(' ', 'type', t.typname, t.typtype,
                   (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
                    FROM pg_enum AS e WHERE e.enumtypid = t.oid))
  FROM pg_type AS t
  WHERE t.typnamespace = to_regnamespace('aquifer')
  UNION ALL
  SELECT concat_ws(' ', 'extension', extname, extversion)
  FROM pg_extension
)
SELECT line
FROM lines
ORDER BY line COLLATE "C"
)sql";

}  // namespace

std::string SnapshotOf(TestDatabase& database) {
  std::string snapshot;
  for (const auto& row : database.Execute(kSnapshot)) {
    snapshot += row[0].c_str();
    snapshot += '\n';
  }
  return snapshot;
}

}  // namespace aquifer::testing
