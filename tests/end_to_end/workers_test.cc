// Workers over a socket: a worker's day, and what callers are told where it cannot be.
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "aquifer/v1/worker.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer {
namespace {

using Stub = v1::WorkerRepository::Stub;

class WorkersEndToEndTest : public testing::EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    workers_ = v1::WorkerRepository::NewStub(channel_);
  }

  // Calls a method, say `Call(&Stub::GetWorker, request, response)`.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    return (workers_.get()->*method)(&context, request, &response);
  }

  static std::string ReasonIn(const grpc::Status& status) {
    const auto info = testing::DetailOf<google::rpc::ErrorInfo>(status);
    return info ? info->reason() : "";
  }

  v1::Worker Register() {
    v1::RegisterWorkerRequest request;
    request.set_chat_id(5'000'000'000);
    request.mutable_worker()->set_name("Олена");
    v1::RegisterWorkerResponse response;
    const grpc::Status status = Call(&Stub::RegisterWorker, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.worker();
  }

  std::unique_ptr<Stub> workers_;
};

TEST_F(WorkersEndToEndTest, AWorkerIsRegisteredWorksAndIsDone) {
  const v1::Worker worker = Register();
  v1::StartShiftRequest start;
  start.set_worker_id(worker.id());
  start.mutable_place()->set_latitude(50.45);
  start.mutable_place()->set_longitude(30.52);
  v1::StartShiftResponse started;
  ASSERT_TRUE(Call(&Stub::StartShift, start, started).ok());

  v1::StartShiftResponse second;
  const grpc::Status refused = Call(&Stub::StartShift, start, second);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(refused), "WORKER_ON_SHIFT");

  v1::EndShiftRequest end;
  end.set_worker_id(worker.id());
  v1::EndShiftResponse ended;
  ASSERT_TRUE(Call(&Stub::EndShift, end, ended).ok());
  EXPECT_EQ(ended.shift().id(), started.shift().id());
  EXPECT_EQ(ended.route_size(), 2);
  EXPECT_EQ(ended.route(0).place().latitude(), 50.45);
}

TEST_F(WorkersEndToEndTest, AMaskAndItsFieldsAreRefusedTogether) {
  const v1::Worker worker = Register();
  v1::UpdateWorkerRequest request;
  request.set_id(worker.id());
  request.set_version(worker.version());
  request.mutable_worker()->set_phone("+380501234567");
  request.mutable_update_mask()->add_paths("name");
  request.mutable_update_mask()->add_paths("wage");
  v1::UpdateWorkerResponse response;

  const grpc::Status refused = Call(&Stub::UpdateWorker, request, response);

  const auto details = testing::DetailOf<google::rpc::BadRequest>(refused);
  ASSERT_TRUE(details.has_value()) << refused.error_message();
  ASSERT_EQ(details->field_violations_size(), 2);
  EXPECT_EQ(details->field_violations(0).field(), "update_mask");
  EXPECT_EQ(details->field_violations(1).field(), "worker.name");

  request.mutable_update_mask()->clear_paths();
  request.mutable_update_mask()->add_paths("phone");
  ASSERT_TRUE(Call(&Stub::UpdateWorker, request, response).ok());
  EXPECT_EQ(response.worker().phone(), "+380501234567");
  EXPECT_EQ(response.worker().name(), "Олена");
}

TEST_F(WorkersEndToEndTest, NothingPersonalIsLogged) {
  const v1::Worker worker = Register();
  v1::SetDialogueStateRequest request;
  request.set_worker_id(worker.id());
  request.set_expected_state("Ґудзь");
  v1::SetDialogueStateResponse response;
  const grpc::Status status = Call(&Stub::SetDialogueState, request, response);

  ASSERT_TRUE(server_->AwaitLog("WorkerRepository.SetDialogueState"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  const std::string said = server_->Log() + status.error_message() + status.error_details();
  for (const char* personal : {"Олена", "5000000000", "Ґудзь"}) {
    EXPECT_EQ(said.find(personal), std::string::npos) << personal;
  }
}

}  // namespace
}  // namespace aquifer
