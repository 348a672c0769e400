#include "server/status_report.h"

#include <string>

namespace aquifer {

v1::PoolStatus ToStatus(const PoolFigures& figures) {
  v1::PoolStatus status;
  status.set_max_size(figures.max);
  status.set_min_size(figures.min);
  status.set_active(figures.active);
  status.set_idle(figures.idle);
  status.set_waiting(figures.waiting);
  status.set_opened(figures.opened);
  for (CloseReason reason : kCloseReasons) {
    (*status.mutable_closed())[std::string(NameOf(reason))] = figures.Closed(reason);
  }
  status.set_connect_failures(figures.connect_failures);
  status.set_acquire_timeouts(figures.acquire_timeouts);
  return status;
}

v1::QueueStatus ToStatus(const ExecutorFigures& figures) {
  v1::QueueStatus status;
  status.set_threads(figures.threads);
  status.set_queued(figures.queued);
  status.set_capacity(figures.capacity);
  status.set_refused(figures.refused);
  return status;
}

v1::LedgerStatus ToStatus(const RepeatFigures& figures) {
  v1::LedgerStatus status;
  status.set_kept(figures.kept);
  status.set_replayed(figures.replayed);
  status.set_refused(figures.refused);
  return status;
}

}  // namespace aquifer
