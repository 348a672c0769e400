// Water-quality tests, and the rating of a machine by its latest one. Measures are whole hundredths
// on the wire and numeric in the table (domain rule 11).
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "repositories/array.h"
#include "repositories/enum_text.h"
#include "repositories/errors.h"
#include "repositories/fill_page.h"
#include "repositories/given.h"
#include "repositories/maintenance_repository.h"
#include "repositories/page.h"
#include "repositories/position.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

#define AQUIFER_STORED_TEST                                                              \
  "q.id, q.device_id, q.tested_at, q.ph, q.tds, q.chlorine, q.bacteria_per_millilitre, " \
  "q.overall_rating, q.notes, q.tested_by, q.created_at "

// Selects a test `q` in the order TestFrom reads.
#define AQUIFER_TEST_COLUMNS                                                       \
  "q.id, q.device_id, q.tested_at, (q.ph * 100)::bigint, "                         \
  "(q.tds * 100)::bigint, (q.chlorine * 100)::bigint, q.bacteria_per_millilitre, " \
  "q.overall_rating, q.notes, q.tested_by, q.created_at"

// The lock orders tests of one machine, so that each sees which is the latest so far.
constexpr Statement kLock = {"maintenance.lock_machine_to_rate", R"sql(
SELECT
FROM aquifer.machines
WHERE device_id = $1::text
FOR NO KEY UPDATE
)sql"};

// No row if the sample was taken in the future, give or take a clock that is a little ahead.
constexpr Statement kRecord = {"maintenance.record_test", R"sql(
INSERT INTO aquifer.water_quality_tests AS q (
  device_id, tested_at, ph, tds, chlorine, bacteria_per_millilitre, overall_rating, notes,
  tested_by)
SELECT
  $1::text, COALESCE($2::timestamptz, now()), $3::bigint / 100.0, $4::bigint / 100.0,
  $5::bigint / 100.0, $6::integer, $7::text, $8::text, $9::text
WHERE COALESCE($2::timestamptz, now()) <= now() + interval '5 minutes'
RETURNING )sql" AQUIFER_TEST_COLUMNS};

// Of two tests of one instant the one stored later counts.
constexpr Statement kRate = {"maintenance.rate_machine", R"sql(
UPDATE aquifer.machines AS m
SET water_quality = q.overall_rating,
    water_quality_tested_at = q.tested_at,
    version = m.version + 1,
    updated_at = now()
FROM aquifer.water_quality_tests AS q
WHERE q.id = $1::bigint
  AND m.device_id = q.device_id
  AND (m.water_quality_tested_at IS NULL OR m.water_quality_tested_at <= q.tested_at)
)sql"};

// $1 and $2 machines and ratings or NULL, $3 to $6 the range as days or instants, $7 and $8 the
// position's instant and id, $9 the limit. Without a position the range's own end stands in, which
// no id reaches.
// clang-format off
#define AQUIFER_TEST_RANGE                                                                 \
  "q.tested_at >= COALESCE($3::date::timestamptz, $5::timestamptz, '-infinity') "          \
  "AND (q.tested_at, q.id) < (COALESCE($7::timestamptz, ($4::date + 1)::timestamptz, "     \
  "$6::timestamptz, 'infinity'), $8::bigint) "
#define AQUIFER_TEST_ORDER "ORDER BY q.tested_at DESC, q.id DESC LIMIT $9::bigint "

// A page of each key in its index's order, then a page of those.
#define AQUIFER_TEST_PAGE(keys, match)                                                     \
  "SELECT " AQUIFER_TEST_COLUMNS " "                                                       \
  "FROM (" keys ") AS k (value) "                                                          \
  "CROSS JOIN LATERAL ("                                                                   \
      "SELECT " AQUIFER_STORED_TEST                                                        \
      "FROM aquifer.water_quality_tests AS q "                                             \
      "WHERE " match "AND " AQUIFER_TEST_RANGE                                             \
      "AND ($2::text[] IS NULL OR q.overall_rating = ANY($2::text[])) "                    \
      AQUIFER_TEST_ORDER ") AS q "                                                         \
  AQUIFER_TEST_ORDER

constexpr Statement kListByMachine = {
    "maintenance.list_tests_by_machine",
    AQUIFER_TEST_PAGE("SELECT DISTINCT unnest($1::text[])", "q.device_id = k.value ")};
constexpr Statement kListByRating = {
    "maintenance.list_tests_by_rating",
    AQUIFER_TEST_PAGE("SELECT DISTINCT unnest(COALESCE($2::text[], "
                      "'{excellent,good,fair,poor,critical}'))",
                      "q.overall_rating = k.value "
                      "AND ($1::text[] IS NULL OR q.device_id = ANY($1::text[])) ")};
// clang-format on

void TestFrom(const Row& row, v1::WaterQualityTest& test) {
  test.set_id(row.Int(0));
  v1::WaterQualityReading& reading = *test.mutable_reading();
  const auto number = [&](int column) { return static_cast<std::int32_t>(row.Int(column)); };
  reading.set_device_id(row.Text(1));
  *reading.mutable_tested_at() = row.Instant(2);
  if (!row.IsNull(3)) reading.set_ph_hundredths(number(3));
  if (!row.IsNull(4)) reading.set_tds_hundredths(number(4));
  if (!row.IsNull(5)) reading.set_chlorine_hundredths(number(5));
  if (!row.IsNull(6)) reading.set_bacteria_per_millilitre(number(6));
  reading.set_overall_rating(EnumFrom<v1::WaterQuality>(row.Text(7)));
  reading.set_notes(row.Text(8));
  reading.set_tested_by(row.Text(9));
  *test.mutable_created_at() = row.Instant(10);
}

}  // namespace

absl::StatusOr<v1::RecordWaterQualityTestResponse> MaintenanceRepository::RecordWaterQualityTest(
    const v1::RecordWaterQualityTestRequest& request) {
  const v1::WaterQualityReading& reading = request.reading();
  if (session_.Run(kLock, reading.device_id()).empty()) {
    return MachineNotFound(reading.device_id());
  }
  const pqxx::result recorded = session_.Run(
      kRecord, reading.device_id(), GivenInstant(reading.has_tested_at(), reading.tested_at()),
      Given(reading.has_ph_hundredths(), reading.ph_hundredths()),
      Given(reading.has_tds_hundredths(), reading.tds_hundredths()),
      Given(reading.has_chlorine_hundredths(), reading.chlorine_hundredths()),
      Given(reading.has_bacteria_per_millilitre(), reading.bacteria_per_millilitre()),
      EnumText(reading.overall_rating()), reading.notes(), reading.tested_by());
  if (recorded.empty()) {
    return InvalidFields({{"reading.tested_at", "must not be in the future"}});
  }
  v1::RecordWaterQualityTestResponse response;
  TestFrom(Row(recorded[0]), *response.mutable_test());
  response.set_machine_rated(session_.Run(kRate, response.test().id()).affected_rows() > 0);
  return response;
}

absl::StatusOr<v1::ListWaterQualityTestsResponse> MaintenanceRepository::ListWaterQualityTests(
    const v1::ListWaterQualityTestsRequest& request) {
  std::vector<FieldViolation> violations;
  RefuseUnspecified(request.ratings(), "ratings", violations);
  if (!violations.empty()) return InvalidFields(violations);
  const auto position = DecodeTimePosition(request, request.page_token());
  if (!position.ok()) return position.status();
  std::optional<std::string> first_day, last_day;
  if (request.has_days()) {
    first_day = DayText(request.days().first());
    last_day = DayText(request.days().last());
  }
  const v1::InstantRange& instants = request.instants();
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(
      request.device_ids().empty() ? kListByRating : kListByMachine,
      ArrayOrNull(request.device_ids()), EnumsOrNull<v1::WaterQuality>(request.ratings()),
      first_day, last_day, GivenInstant(request.has_instants(), instants.start()),
      GivenInstant(request.has_instants(), instants.end()), position->at, position->id, size + 1);
  v1::ListWaterQualityTestsResponse response;
  auto& tests = *response.mutable_tests();
  if (FillPage(rows, size, tests, TestFrom)) {
    const v1::WaterQualityTest& last = tests[tests.size() - 1];
    response.set_next_page_token(
        EncodeTimePosition(request, last.reading().tested_at(), last.id()));
  }
  return response;
}

StatementList MaintenanceWaterStatements() {
  static constexpr const Statement* kAll[] = {&kLock, &kRecord, &kRate, &kListByMachine,
                                              &kListByRating};
  return kAll;
}

}  // namespace aquifer
