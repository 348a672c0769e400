// Calls of the C++ library as a program makes them: over a socket, to the real server.
#include <gmock/gmock.h>
#include <grpcpp/channel.h>

#include "tests/client/client_test.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using client::CallReport;
using client::DetailsOf;
using client::ReasonOf;
using client::Retries;
using client::Serving;

constexpr char kId[] = "123e4567-e89b-12d3-a456-426614174000";

using CallsTest = ClientTest;

TEST_F(CallsTest, LineIsRecordedAndReadBack) {
  const auto recorded = client_->collections().RecordCollection(RecordOf("164", 0));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  v1::GetCollectionRequest request;
  request.set_id(recorded->collection().id());

  const auto read = client_->collections().GetCollection(request);

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->collection().device_id(), "164");
  EXPECT_EQ(read->collection().total_minor(), 10000);
}

TEST_F(CallsTest, EveryRepositoryAnswers) {
  EXPECT_TRUE(client_->collections().ListCollections({}).ok());
  EXPECT_TRUE(client_->workers().ListWorkers({}).ok());
  EXPECT_TRUE(client_->maintenance().ListTasks({}).ok());
  EXPECT_TRUE(client_->jobs().ListJobRuns({}).ok());
  v1::ExecuteRequest transaction;
  *transaction.add_writes()->mutable_create_task() = TaskOf("clean");
  EXPECT_TRUE(client_->transactions().Execute(transaction).ok());
  EXPECT_TRUE(client_->admin().GetStatus({}).ok());
  const auto serving = client_->health().Check();
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_EQ(*serving, Serving::kYes);
}

TEST_F(CallsTest, UnixSocketIsAnAddress) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/aquifer.sock";
  StartServer({"--socket", path});
  ASSERT_NO_FATAL_FAILURE(ConnectWith({.endpoints = {"unix:" + path}}));

  const auto recorded = client_->collections().RecordCollection(RecordOf("164", 0));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  server_->Signal(SIGKILL);
  StartServer({"--socket", path});

  // The channel finds the new server's socket by itself.
  const auto again = client_->collections().RecordCollection(RecordOf("164", 0));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outcome(), v1::RECORD_OUTCOME_UNCHANGED);
  const auto serving = client_->health().Check();
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_EQ(*serving, Serving::kYes);
}

TEST_F(CallsTest, ErrorTellsItsReasonAndItsFields) {
  auto request = RecordOf("", 0);
  request.mutable_line()->set_banknotes_minor(-1);
  CallReport report;

  const auto refused = client_->collections().RecordCollection(request, {.report = &report});

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  const client::ErrorDetails details = DetailsOf(refused.status());
  EXPECT_EQ(details.reason, "INVALID_FIELDS");
  ASSERT_EQ(details.fields.size(), 2u);
  EXPECT_EQ(details.fields[0].field, "line.device_id");
  EXPECT_EQ(details.fields[0].description, "is required");
  EXPECT_EQ(details.metadata.count("remedy"), 1u);
  EXPECT_FALSE(details.retry_after);
  EXPECT_EQ(details.call_id, report.call_id);
  EXPECT_EQ(report.tries, 1);
}

TEST_F(CallsTest, WriteGetsARequestIdUnlessItHasOne) {
  auto with_id = TaskOf("with an id");
  with_id.set_request_id(kId);
  ASSERT_TRUE(client_->maintenance().CreateTask(TaskOf("without")).ok());
  ASSERT_TRUE(client_->maintenance().CreateTask(with_id).ok());
  CallReport report;

  const auto repeat = client_->maintenance().CreateTask(with_id, {.report = &report});

  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_TRUE(report.replayed);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.requests"), 2);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.maintenance_tasks"), 2);
}

TEST_F(CallsTest, ReportNamesTheCallAndItsCost) {
  CallReport report;

  const auto answer = client_->collections().RecordCollection(
      RecordOf("164", 0), {.call_id = "night-fetch-7", .report = &report});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(report.call_id, "night-fetch-7");
  EXPECT_THAT(report.receipt, ::testing::HasSubstr("commit="));
  EXPECT_TRUE(server_->AwaitLog(R"("request_id":"night-fetch-7")"));
}

TEST_F(CallsTest, StatementThatHangsEndsWithTheCallersDeadline) {
  pqxx::connection blocker(database_.url());
  pqxx::work lock(blocker);
  lock.exec("LOCK TABLE aquifer.collections IN ACCESS EXCLUSIVE MODE");

  const auto answer = client_->collections().RecordCollection(RecordOf("164", 0),
                                                              {.timeout = absl::Milliseconds(300)});

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(CallsTest, NobodyThereIsAnErrorWithoutAReason) {
  ConnectWith({.endpoints = {"127.0.0.1:1"}});
  CallReport report;

  const auto answer =
      client_->admin().GetStatus({}, {.retries = Retries::kNone, .report = &report});

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(answer.status()), "");
  EXPECT_EQ(report.tries, 1);
  EXPECT_FALSE(client_->AwaitConnected(absl::Milliseconds(100)).ok());
}

}  // namespace
}  // namespace aquifer::testing
