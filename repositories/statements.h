// Every named statement, for whoever wants them all: the test of their plans, operating tools.
#pragma once

#include <absl/types/span.h>

#include <vector>

#include "repositories/session.h"

namespace aquifer {

using StatementList = absl::Span<const Statement* const>;

// Those of one source file each, defined at its end beside the statements.
StatementList CivilInstantStatements();
StatementList CollectionRecordStatements();
StatementList CollectionRecordJoinedStatements();
StatementList CollectionRecordsStatements();
StatementList CollectionChangeStatements();
StatementList FetchLedgerStatements();
StatementList CollectorTextStatements();
StatementList CollectionReadStatements();
StatementList CollectionListStatements();
StatementList CollectionDeleteStatements();
StatementList CollectionSummaryStatements();
StatementList CollectionSummaryRollupStatements();
StatementList CollectionRollupStatements();
StatementList CollectionDeviceStatements();
StatementList FetchCompletenessStatements();
StatementList RequestLedgerStatements();
StatementList JobLeaseStatements();
StatementList JobRunListStatements();
StatementList DeliveryRecordStatements();
StatementList DeliveryStatements();
StatementList MaintenanceLockStatements();
StatementList MaintenanceTaskStatements();
StatementList MaintenanceTransitionStatements();
StatementList MaintenanceTaskListStatements();
StatementList MaintenanceAlertStatements();
StatementList MaintenanceTaskCountStatements();
StatementList MaintenanceMachineStatements();
StatementList MaintenanceUpsertStatements();
StatementList MaintenanceTechnicianStatements();
StatementList MaintenanceWaterStatements();
StatementList WorkerAccessStatements();
StatementList WorkerRegistrationStatements();
StatementList WorkerReadStatements();
StatementList WorkerChangeStatements();
StatementList WorkerDeleteStatements();
StatementList WorkerShiftStatements();
StatementList ShiftPointStatements();
StatementList WorkPointStatements();
StatementList WorkerStatisticsStatements();
StatementList AssignedDeviceStatements();

// Those of every file. A test keeps it complete.
std::vector<const Statement*> AllStatements();

}  // namespace aquifer
