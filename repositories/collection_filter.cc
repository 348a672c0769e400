#include "repositories/collection_filter.h"

#include "repositories/array.h"
#include "repositories/row.h"

namespace aquifer {
namespace {

// A look-up costs the same however long the history is, passing along time does not: so look-ups
// are preferred up to the most a page of the default size can need. On a million lines 50,000 of
// them took 68 ms; passing along time took 0.6 ms where one line in ten was wanted, and 116 ms,
// the whole history, where none was.
constexpr std::int64_t kMostLookups = 60000;

}  // namespace

FilterParameters::FilterParameters(const v1::CollectionFilter& filter)
    : device_ids(ArrayOrNull(filter.device_ids())),
      collectors(ArrayOrNull(filter.collectors())),
      worker_ids(ArrayOrNull(filter.worker_ids())) {
  if (filter.has_days()) {
    first_day = DayText(filter.days().first());
    last_day = DayText(filter.days().last());
  }
  if (filter.has_instants()) {
    start = InstantText(filter.instants().start());
    end = InstantText(filter.instants().end());
  }
  if (filter.has_min_total_minor()) min_total_minor = filter.min_total_minor();
  if (filter.has_max_total_minor()) max_total_minor = filter.max_total_minor();
}

AccessPath AccessPathOf(const v1::CollectionFilter& filter, std::int64_t lines) {
  if (filter.device_ids_size() > 0 && filter.device_ids_size() * lines <= kMostLookups) {
    return AccessPath::kDevice;
  }
  const int collectors = filter.collectors_size() + filter.worker_ids_size();
  if (collectors > 0 && collectors * lines <= kMostLookups) return AccessPath::kCollector;
  const bool alone = filter.device_ids_size() == 0 && collectors == 0 &&
                     !filter.has_min_total_minor() && !filter.has_max_total_minor();
  return alone ? AccessPath::kTimeAlone : AccessPath::kTime;
}

const Statement& FilteredStatement::On(AccessPath path) const {
  switch (path) {
    case AccessPath::kDevice:
      return by_device;
    case AccessPath::kCollector:
      return by_collector;
    case AccessPath::kTimeAlone:
      return by_time_alone;
    case AccessPath::kTime:
      break;
  }
  return by_time;
}

}  // namespace aquifer
