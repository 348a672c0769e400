#include "repositories/statements.h"

namespace aquifer {

std::vector<const Statement*> AllStatements() {
  std::vector<const Statement*> all;
  for (const StatementList& list : {
           CivilInstantStatements(),
           CollectionRecordStatements(),
           CollectionRecordsStatements(),
           CollectionRecordJoinedStatements(),
           CollectionChangeStatements(),
           FetchLedgerStatements(),
           CollectorTextStatements(),
           CollectionReadStatements(),
           CollectionListStatements(),
           CollectionDeleteStatements(),
           CollectionSummaryStatements(),
           CollectionSummaryRollupStatements(),
           CollectionRollupStatements(),
           CollectionDeviceStatements(),
           FetchCompletenessStatements(),
           RequestLedgerStatements(),
           JobLeaseStatements(),
           JobRunListStatements(),
           DeliveryRecordStatements(),
           DeliveryStatements(),
           MaintenanceLockStatements(),
           MaintenanceTaskStatements(),
           MaintenanceTransitionStatements(),
           MaintenanceTaskListStatements(),
           MaintenanceAlertStatements(),
           MaintenanceTaskCountStatements(),
           MaintenanceMachineStatements(),
           MaintenanceUpsertStatements(),
           MaintenanceTechnicianStatements(),
           MaintenanceWaterStatements(),
           WorkerAccessStatements(),
           WorkerRegistrationStatements(),
           WorkerReadStatements(),
           WorkerChangeStatements(),
           WorkerDeleteStatements(),
           WorkerShiftStatements(),
           ShiftPointStatements(),
           WorkPointStatements(),
           WorkerStatisticsStatements(),
           AssignedDeviceStatements(),
       }) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

}  // namespace aquifer
