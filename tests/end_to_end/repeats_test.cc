// Repeating a write with its request_id, as a caller sees it.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <set>
#include <thread>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"
#include "tests/testing/proxied_database.h"

namespace aquifer::testing {
namespace {

using ::testing::ElementsAre;

constexpr char kId[] = "123e4567-e89b-12d3-a456-426614174000";

// How a call ended, and what it says of being a repeat.
template <typename Response>
struct Ended {
  grpc::Status status;
  Response response;
  bool replayed = false;
};

std::string ReasonIn(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  return info ? info->reason() : "";
}

class RepeatsTest : public EndToEndTest {
 protected:
  v1::Collection Record(int second = 0) {
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    *request.mutable_line() = MakeLine("164", second, 10000);
    v1::RecordCollectionResponse response;
    const grpc::Status status = collections_->RecordCollection(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.collection();
  }

  // A correction of `line` that a caller may repeat.
  static v1::CorrectCollectionRequest CorrectionOf(const v1::Collection& line,
                                                   const std::string& request_id = kId) {
    v1::CorrectCollectionRequest request;
    request.set_id(line.id());
    request.set_version(line.version());
    request.set_banknotes_minor(5000);
    request.set_reason("counted again");
    request.set_request_id(request_id);
    return request;
  }

  Ended<v1::CorrectCollectionResponse> Correct(const v1::CorrectCollectionRequest& request,
                                               absl::Duration timeout = absl::Seconds(20)) {
    Ended<v1::CorrectCollectionResponse> ended;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    ended.status = collections_->CorrectCollection(&context, request, &ended.response);
    ended.replayed = context.GetServerTrailingMetadata().count("aquifer-replayed") != 0;
    return ended;
  }

  int LedgerRows() {
    return database_.Execute("SELECT count(*) FROM aquifer.requests")[0][0].as<int>();
  }
  int Corrections() {
    return database_.Execute("SELECT count(*) FROM aquifer.collection_audit")[0][0].as<int>();
  }
};

TEST_F(RepeatsTest, RepeatedCorrectionGetsTheFirstAnswer) {
  const auto request = CorrectionOf(Record());
  auto in_capitals = request;
  in_capitals.set_request_id("123E4567-E89B-12D3-A456-426614174000");
  auto without_id = request;
  without_id.clear_request_id();

  const auto first = Correct(request);
  const auto repeat = Correct(in_capitals);
  const auto other_write = Correct(without_id);

  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_FALSE(first.replayed);
  ASSERT_TRUE(repeat.status.ok()) << repeat.status.error_message();
  EXPECT_TRUE(repeat.replayed);
  EXPECT_EQ(repeat.response.SerializeAsString(), first.response.SerializeAsString());
  EXPECT_EQ(ReasonIn(other_write.status), "STALE_VERSION");
  EXPECT_EQ(Corrections(), 1);
}

TEST_F(RepeatsTest, RepeatAfterTheServerWasReplacedGetsTheFirstAnswer) {
  const auto request = CorrectionOf(Record());
  const auto first = Correct(request);
  server_->Signal(SIGKILL);
  StartServer({});

  const auto repeat = Correct(request);

  ASSERT_TRUE(repeat.status.ok()) << repeat.status.error_message();
  EXPECT_TRUE(repeat.replayed);
  EXPECT_EQ(repeat.response.SerializeAsString(), first.response.SerializeAsString());
}

TEST_F(RepeatsTest, SameIdForSomethingElseIsRefused) {
  auto request = CorrectionOf(Record());
  ASSERT_TRUE(Correct(request).status.ok());
  request.set_banknotes_minor(1);
  v1::DeleteCollectionsRequest deletion;
  deletion.mutable_filter()->add_device_ids("164");
  deletion.set_expected_count(1);
  deletion.set_reason("test");
  deletion.set_request_id(kId);

  const auto content = Correct(request);
  grpc::ClientContext context;
  v1::DeleteCollectionsResponse deleted;
  const grpc::Status method = collections_->DeleteCollections(&context, deletion, &deleted);

  EXPECT_EQ(content.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(content.status), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonIn(method), "REQUEST_ID_REUSED");
  EXPECT_EQ(database_.Execute("SELECT id FROM aquifer.collections").size(), 1u);
}

TEST_F(RepeatsTest, TextThatIsNoUuidIsNamed) {
  for (const char* bad : {"again", "00000000-0000-0000-0000-000000000000"}) {
    const auto refused = Correct(CorrectionOf(Record(), bad));

    EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    const auto details = DetailOf<google::rpc::BadRequest>(refused.status);
    ASSERT_TRUE(details);
    EXPECT_EQ(details->field_violations(0).field(), "request_id");
  }
  EXPECT_EQ(LedgerRows(), 0);
}

TEST_F(RepeatsTest, FailedTryMayBeRepeated) {
  auto request = CorrectionOf(Record());
  request.set_version(99);
  EXPECT_EQ(ReasonIn(Correct(request).status), "STALE_VERSION");
  EXPECT_EQ(LedgerRows(), 0);
  request.set_version(1);

  const auto corrected = Correct(request);

  EXPECT_TRUE(corrected.status.ok()) << corrected.status.error_message();
  EXPECT_FALSE(corrected.replayed);
}

TEST_F(RepeatsTest, DryRunsReadsAndWritesWithoutAnIdLeaveNoRow) {
  auto request = CorrectionOf(Record());
  request.clear_request_id();
  ASSERT_TRUE(Correct(request).status.ok());
  v1::DeleteCollectionsRequest dry_run;
  dry_run.mutable_filter()->add_device_ids("164");
  dry_run.set_dry_run(true);
  dry_run.set_reason("test");
  dry_run.set_request_id(kId);

  for (int round = 0; round < 2; ++round) {
    grpc::ClientContext context;
    v1::DeleteCollectionsResponse response;
    ASSERT_TRUE(collections_->DeleteCollections(&context, dry_run, &response).ok());
    EXPECT_EQ(context.GetServerTrailingMetadata().count("aquifer-replayed"), 0u);
  }

  EXPECT_EQ(LedgerRows(), 0);
}

TEST_F(RepeatsTest, CallersAtOnceGetOneAnswerRoundAfterRound) {
  constexpr int kRounds = 25;
  constexpr int kCallers = 4;

  for (int round = 0; round < kRounds; ++round) {
    const std::string id = database_.Execute("SELECT gen_random_uuid()")[0][0].c_str();
    const auto request = CorrectionOf(Record(round), id);
    std::vector<Ended<v1::CorrectCollectionResponse>> ended(kCallers);
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] { ended[i] = Correct(request); });
    }
    for (auto& caller : callers) caller.join();

    std::set<std::string> answers;
    int first = 0;
    for (const auto& call : ended) {
      EXPECT_TRUE(call.status.ok()) << call.status.error_message();
      answers.insert(call.response.SerializeAsString());
      first += !call.replayed;
    }
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(first, 1);
  }
  EXPECT_EQ(Corrections(), kRounds);
}

TEST_F(RepeatsTest, RepeatWaitsForTheFirstNoLongerThanItsDeadline) {
  const auto request = CorrectionOf(Record());
  pqxx::connection blocker(database_.url());
  pqxx::work lock(blocker);
  lock.exec("SELECT id FROM aquifer.collections FOR UPDATE");
  Ended<v1::CorrectCollectionResponse> first;
  std::thread caller([&] { first = Correct(request); });
  ASSERT_TRUE(Eventually([&] {
    return database_.Execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
               .size() == 1;
  }));

  const auto impatient = Correct(request, absl::Milliseconds(300));
  lock.abort();
  caller.join();

  EXPECT_EQ(impatient.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_EQ(Corrections(), 1);
}

TEST_F(RepeatsTest, StatusAndLogTellOfRepeats) {
  const auto request = CorrectionOf(Record());
  auto other = request;
  other.set_reason("other");
  Correct(request);
  Correct(request);
  Correct(other);

  grpc::ClientContext context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(admin_->GetStatus(&context, {}, &status).ok());

  EXPECT_EQ(status.ledger().kept(), 1);
  EXPECT_EQ(status.ledger().replayed(), 1);
  EXPECT_EQ(status.ledger().refused(), 1);
  EXPECT_TRUE(server_->AwaitLog(R"("replayed":true)"));
}

TEST_F(RepeatsTest, LedgerHasPartitionsFromTheStartOn) {
  EXPECT_EQ(database_
                .Execute("SELECT inhrelid FROM pg_inherits "
                         "WHERE inhparent = 'aquifer.requests'::regclass")
                .size(),
            5u);
}

// A server whose way to the database breaks where the test says.
class BrokenLinkTest : public RepeatsTest {
 protected:
  void SetUp() override { StartBehindProxy(); }

  void StartBehindProxy() {
    server_.emplace(std::vector<std::string>{"--database-url", UrlThrough(proxy_, database_)});
    ASSERT_TRUE(server_->AwaitServing()) << server_->Output() << server_->Log();
    channel_ = server_->Channel();
    collections_ = v1::CollectionRepository::NewStub(channel_);
    admin_ = v1::Admin::NewStub(channel_);
  }

  FaultProxy proxy_{DatabaseSocket()};
};

TEST_F(BrokenLinkTest, CallerNeverNoticesACommitWhoseAnswerWasLost) {
  auto request = CorrectionOf(Record());
  request.clear_request_id();
  proxy_.Arm(CommitAfter("collections.correct"), Fault::kCutBeforeAnswer);

  const auto corrected = Correct(request);

  EXPECT_TRUE(corrected.status.ok()) << corrected.status.error_message();
  EXPECT_EQ(corrected.response.collection().version(), 2);
  EXPECT_EQ(Corrections(), 1);
  EXPECT_TRUE(server_->AwaitLog(R"("event":"commit_resolved")"));
}

// The database has committed, and the server dies before it hears of it.
TEST_F(BrokenLinkTest, ServerKilledBetweenCommitAndAnswerWroteOnceAndStillAnswers) {
  const auto request = CorrectionOf(Record());
  proxy_.Arm(CommitAfter("collections.correct"), Fault::kHoldAnswer);
  Ended<v1::CorrectCollectionResponse> lost;
  std::thread caller([&] { lost = Correct(request); });
  ASSERT_TRUE(proxy_.AwaitFaults(1));
  server_->Signal(SIGKILL);
  caller.join();
  EXPECT_EQ(lost.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Corrections(), 1);

  StartBehindProxy();
  const auto repeat = Correct(request);

  ASSERT_TRUE(repeat.status.ok()) << repeat.status.error_message();
  EXPECT_TRUE(repeat.replayed);
  EXPECT_EQ(repeat.response.collection().version(), 2);
  EXPECT_EQ(repeat.response.collection().banknotes_minor(), 5000);
  EXPECT_EQ(Corrections(), 1);
}

}  // namespace
}  // namespace aquifer::testing
