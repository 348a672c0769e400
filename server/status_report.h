// The figures of the parts in the words of Admin.GetStatus.
#pragma once

#include "aquifer/v1/admin.pb.h"
#include "server/database/pool_figures.h"
#include "server/database/replicas.h"
#include "server/rpc/executor.h"
#include "server/rpc/repeat_counts.h"
#include "server/telemetry/metrics.h"

namespace aquifer {

v1::BreakerStatus ToStatus(const BreakerFigures& figures);
v1::PoolStatus ToStatus(const PoolFigures& figures);
google::protobuf::RepeatedPtrField<v1::HostStatus> ToStatus(const ReplicaFigures& figures);
v1::QueueStatus ToStatus(const ExecutorFigures& figures);
v1::LedgerStatus ToStatus(const RepeatFigures& figures);
v1::StatementStatus ToStatus(const StatementFigures& figures);

}  // namespace aquifer
