// Sums of lines by civil time, device and collector.
#include <absl/strings/str_cat.h>

#include <optional>
#include <string>
#include <vector>

#include "repositories/collection_filter.h"
#include "repositories/collection_repository.h"
#include "repositories/collection_summary_sql.h"
#include "repositories/errors.h"
#include "repositories/row.h"

namespace aquifer {
namespace {

constexpr std::int64_t kDefaultLimit = 1000;
// No group is added beyond this, so that the answer fits the 4 MiB that clients take unless told
// otherwise: 10,000 groups of long names would not.
constexpr std::size_t kMostGroupBytes = std::size_t{3} * 1024 * 1024;

// What a request groups by, as the statement takes it.
struct Groups {
  std::optional<std::string> unit;
  bool by_device = false;
  bool by_collector = false;

  bool any() const { return unit.has_value() || by_device || by_collector; }
};

const char* UnitOf(int grouping) {
  switch (grouping) {
    case v1::GROUPING_DAY:
      return "day";
    case v1::GROUPING_WEEK:
      return "week";
    case v1::GROUPING_MONTH:
      return "month";
    default:
      return nullptr;
  }
}

absl::StatusOr<Groups> GroupsOf(const v1::SummarizeCollectionsRequest& request) {
  std::vector<FieldViolation> violations;
  Groups groups;
  for (int i = 0; i < request.group_by_size(); ++i) {
    const int grouping = request.group_by(i);
    if (const char* unit = UnitOf(grouping)) {
      if (groups.unit.has_value()) {
        violations.push_back({"group_by", "must hold at most one of day, week and month"});
      }
      groups.unit = unit;
      continue;
    }
    if (grouping != v1::GROUPING_DEVICE && grouping != v1::GROUPING_COLLECTOR) {
      violations.push_back(
          {absl::StrCat("group_by[", i, "]"), "must be day, week, month, device or collector"});
      continue;
    }
    bool& wanted = grouping == v1::GROUPING_DEVICE ? groups.by_device : groups.by_collector;
    if (wanted) violations.push_back({"group_by", "must not name one grouping twice"});
    wanted = true;
  }
  if (!violations.empty()) return InvalidFields(violations);
  return groups;
}

// The statement to answer by. What a few devices have is found quickest in their own lines.
const Statement& StatementFor(Session& session, const v1::CollectionFilter& filter,
                              const FilterParameters& bound, const Groups& groups) {
  const AccessPath path = AccessPathOf(filter);
  const bool whole_days =
      !filter.has_instants() && !filter.has_min_total_minor() && !filter.has_max_total_minor();
  if (!whole_days || path == AccessPath::kDevice) return kSummarize.On(path);
  const pqxx::result serves = session.Run(kRollupServes, bound.first_day, bound.last_day);
  if (!Row(serves[0]).Bool(0)) return kSummarize.On(path);
  const bool of_days = groups.unit.value_or("day") == "day";
  const bool by_row_a_day =
      path == AccessPath::kTimeAlone && of_days && !groups.by_device && !groups.by_collector;
  return by_row_a_day ? kSummarizeDays : kSummarizeCells;
}

// Reads a row as the statement has it.
void SummaryFrom(const Row& row, const Groups& groups, v1::CollectionSummary& summary) {
  if (!row.IsNull(0)) *summary.mutable_period_start() = row.Day(0);
  summary.set_device_id(row.Text(1));
  if (groups.by_collector) {
    summary.mutable_collector()->set_text(row.Text(2));
    summary.mutable_collector()->set_worker_id(row.Int(3));
    summary.mutable_collector()->set_worker_name(row.Text(4));
  }
  summary.set_lines(row.Int(5));
  summary.set_visits(row.Int(6));
  summary.set_devices(row.Int(7));
  summary.set_collectors(row.Int(8));
  summary.set_banknotes_minor(row.Int(9));
  summary.set_coins_minor(row.Int(10));
  summary.set_total_minor(row.Int(11));
  summary.set_average_line_minor(row.Int(12));
  if (!row.IsNull(13)) *summary.mutable_first_at() = row.Instant(13);
  if (!row.IsNull(14)) *summary.mutable_last_at() = row.Instant(14);
}

}  // namespace

absl::StatusOr<v1::SummarizeCollectionsResponse> CollectionRepository::SummarizeCollections(
    const v1::SummarizeCollectionsRequest& request) {
  const auto groups = GroupsOf(request);
  if (!groups.ok()) return groups.status();
  const bool greatest_first = request.order() == v1::SUMMARY_ORDER_TOTAL;
  // Without a grouping the statement's one group is the total once more.
  const std::int64_t limit = !groups->any()         ? 0
                             : request.limit() == 0 ? kDefaultLimit
                                                    : request.limit();

  session_.Run(kSummarySettings);
  const FilterParameters filter(request.filter());
  const pqxx::result rows =
      RunFiltered(session_, StatementFor(session_, request.filter(), filter, *groups), filter,
                  groups->unit, groups->by_device, groups->by_collector, greatest_first, limit);

  v1::SummarizeCollectionsResponse response;
  const Row total(rows[0]);
  SummaryFrom(total, Groups(), *response.mutable_total());
  const auto found = static_cast<int>(rows.size()) - 1;
  response.mutable_groups()->Reserve(found);
  std::size_t bytes = 0;
  for (int i = 1; i <= found && bytes < kMostGroupBytes; ++i) {
    v1::CollectionSummary& group = *response.add_groups();
    SummaryFrom(Row(rows[i]), *groups, group);
    bytes += group.ByteSizeLong();
  }
  if (groups->any()) response.set_groups_left_out(total.Int(15) - response.groups_size());
  return response;
}

}  // namespace aquifer
