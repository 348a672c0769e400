// Known devices and what was collected at each.
#include <optional>
#include <string>

#include "repositories/collection_repository.h"
#include "repositories/page.h"
#include "repositories/row.h"
#include "repositories/statements.h"

namespace aquifer {
namespace {

// The page is cut first, so that only its devices' lines are read, each device's by its own range
// of collections_key. No id is shorter than one character, so '' comes before the first.
constexpr Statement kDevices = {"collections.list_devices", R"sql(
SELECT
  d.device_id,
  s.lines,
  (s.banknotes * 100)::bigint,
  (s.coins * 100)::bigint,
  ((s.banknotes + s.coins) * 100)::bigint,
  s.first_at,
  s.last_at
FROM (
  SELECT device.device_id
  FROM aquifer.devices AS device
  WHERE device.device_id > $3::text
  ORDER BY device.device_id
  LIMIT $4::bigint
) AS d
CROSS JOIN LATERAL (
  SELECT
    count(*) AS lines,
    COALESCE(sum(c.banknotes), 0) AS banknotes,
    COALESCE(sum(c.coins), 0) AS coins,
    min(c.collected_at) AS first_at,
    max(c.collected_at) AS last_at
  FROM aquifer.collections AS c
  WHERE c.device_id = d.device_id
    AND c.collected_at >= COALESCE($1::date::timestamptz, '-infinity')
    AND c.collected_at < COALESCE(($2::date + 1)::timestamptz, 'infinity')
) AS s
ORDER BY d.device_id
)sql"};

void DeviceFrom(const Row& row, v1::CollectionDevice& device) {
  device.set_device_id(row.Text(0));
  device.set_lines(row.Int(1));
  device.set_banknotes_minor(row.Int(2));
  device.set_coins_minor(row.Int(3));
  device.set_total_minor(row.Int(4));
  if (!row.IsNull(5)) *device.mutable_first_at() = row.Instant(5);
  if (!row.IsNull(6)) *device.mutable_last_at() = row.Instant(6);
}

}  // namespace

absl::StatusOr<v1::ListCollectionDevicesResponse> CollectionRepository::ListCollectionDevices(
    const v1::ListCollectionDevicesRequest& request) {
  const auto keys = DecodePageToken(request, request.page_token(), 1);
  if (!keys.ok()) return keys.status();
  const std::string after = keys->has_value() ? (**keys)[0] : "";
  std::optional<std::string> first_day, last_day;
  if (request.has_days()) {
    first_day = DayText(request.days().first());
    last_day = DayText(request.days().last());
  }
  const int size = PageSize(request.page_size());

  // The one beyond tells that there is a next page.
  const pqxx::result rows = session_.Run(kDevices, first_day, last_day, after, size + 1);
  v1::ListCollectionDevicesResponse response;
  for (const auto& row : rows) {
    if (response.devices_size() == size) {
      response.set_next_page_token(
          EncodePageToken(request, {response.devices(size - 1).device_id()}));
      break;
    }
    DeviceFrom(Row(row), *response.add_devices());
  }
  return response;
}

StatementList CollectionDeviceStatements() {
  static constexpr const Statement* kAll[] = {&kDevices};
  return kAll;
}

}  // namespace aquifer
