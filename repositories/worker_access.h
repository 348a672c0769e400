// One worker by id, as every method that changes or shows one needs it.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>

#include "aquifer/v1/worker.pb.h"
#include "repositories/session.h"

namespace aquifer {

// Whether a deleted worker will do.
enum class DeletedWorker { kRefused, kAllowed };

// Reads the worker and locks it until the transaction ends: calls about one worker take turns,
// while references to it may still be made. NOT_FOUND (WORKER_NOT_FOUND), FAILED_PRECONDITION
// (WORKER_DELETED).
absl::StatusOr<v1::Worker> LockWorker(Session& session, std::int64_t id,
                                      DeletedWorker deleted = DeletedWorker::kRefused);

// The worker as the transaction sees it now, deleted or not. NOT_FOUND (WORKER_NOT_FOUND).
absl::StatusOr<v1::Worker> ReadWorker(Session& session, std::int64_t id);

}  // namespace aquifer
