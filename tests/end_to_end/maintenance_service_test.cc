// Maintenance over a socket: what the bot does with a task, from machine to completion.
#include <gmock/gmock.h>

#include "aquifer/v1/maintenance.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer::testing {
namespace {

class MaintenanceServiceTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    maintenance_ = v1::MaintenanceRepository::NewStub(channel_);
    v1::UpsertMachinesRequest request;
    request.add_machines()->set_device_id("164");
    v1::UpsertMachinesResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(maintenance_->UpsertMachines(&context, request, &response).ok());
  }

  grpc::Status Create(const std::string& title, v1::CreateTaskResponse& response) {
    v1::CreateTaskRequest request;
    request.mutable_details()->set_title(title);
    request.mutable_details()->set_type(v1::TASK_TYPE_EMERGENCY_REPAIR);
    request.mutable_details()->set_priority(v1::TASK_PRIORITY_CRITICAL);
    request.mutable_details()->set_device_id("164");
    grpc::ClientContext context;
    return maintenance_->CreateTask(&context, request, &response);
  }

  grpc::Status Move(const v1::MaintenanceTask& task, v1::TaskStatus to,
                    v1::TransitionTaskResponse& response) {
    v1::TransitionTaskRequest request;
    request.set_id(task.id());
    request.set_status(task.status());
    request.set_to(to);
    grpc::ClientContext context;
    return maintenance_->TransitionTask(&context, request, &response);
  }

  int Alerts() {
    v1::ListAlertsResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(maintenance_->ListAlerts(&context, {}, &response).ok());
    return response.alerts_size();
  }

  std::unique_ptr<v1::MaintenanceRepository::Stub> maintenance_;
};

TEST_F(MaintenanceServiceTest, ATaskIsAnAlertUntilItIsCompletedAndThenItsMachineIsMaintained) {
  v1::CreateTaskResponse created;
  ASSERT_TRUE(Create("Замінити насос", created).ok());
  EXPECT_EQ(Alerts(), 1);

  v1::TransitionTaskResponse completed;
  const grpc::Status status = Move(created.task(), v1::TASK_STATUS_COMPLETED, completed);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Alerts(), 0);
  v1::GetMachineRequest request;
  request.set_device_id("164");
  v1::GetMachineResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(maintenance_->GetMachine(&context, request, &response).ok());
  EXPECT_EQ(response.machine().details().last_maintenance_at().DebugString(),
            completed.task().completed_at().DebugString());
}

TEST_F(MaintenanceServiceTest, AnIllegalMoveTellsWhatIsAllowedInItsDetails) {
  v1::CreateTaskResponse created;
  ASSERT_TRUE(Create("t", created).ok());
  v1::TransitionTaskResponse moved;
  ASSERT_TRUE(Move(created.task(), v1::TASK_STATUS_CANCELLED, moved).ok());

  const grpc::Status status = Move(moved.task(), v1::TASK_STATUS_COMPLETED, moved);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->reason(), "ILLEGAL_TRANSITION");
  EXPECT_EQ(info->metadata().at("from"), "cancelled");
  EXPECT_EQ(info->metadata().at("to"), "completed");
  EXPECT_EQ(info->metadata().at("allowed"), "pending");
}

TEST_F(MaintenanceServiceTest, ARangeIsCheckedByItsFieldAndNoTextOfTheRequestComesBack) {
  v1::RecordWaterQualityTestRequest request;
  request.mutable_reading()->set_device_id("164");
  request.mutable_reading()->set_overall_rating(v1::WATER_QUALITY_GOOD);
  request.mutable_reading()->set_ph_hundredths(1401);
  request.mutable_reading()->set_tested_by("Ольга");
  v1::RecordWaterQualityTestResponse response;
  grpc::ClientContext context;

  const grpc::Status status = maintenance_->RecordWaterQualityTest(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "reading.ph_hundredths must be at most 1400");
  EXPECT_EQ(server_->Log().find("Ольга"), std::string::npos);
}

}  // namespace
}  // namespace aquifer::testing
