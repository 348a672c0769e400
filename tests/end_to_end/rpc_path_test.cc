// The path of an RPC as a caller sees it: answers, errors with details, trailers, the log line.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class RpcPathTest : public EndToEndTest {
 protected:
  // Sends any bytes to any method, as a broken client would.
  grpc::Status CallRaw(const std::string& path, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    auto call = stub.PrepareUnaryCall(&context, path, request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
  }

  grpc::Status Record(const v1::CollectionLine& line, v1::RecordCollectionResponse& response) {
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    *request.mutable_line() = line;
    return collections_->RecordCollection(&context, request, &response);
  }
};

std::string TrailerOf(const grpc::ClientContext& context, const std::string& key) {
  const auto found = context.GetServerTrailingMetadata().find(key);
  if (found == context.GetServerTrailingMetadata().end()) return "";
  return std::string(found->second.data(), found->second.size());
}

TEST_F(RpcPathTest, RecordedLineReadsBack) {
  v1::RecordCollectionResponse recorded;
  ASSERT_TRUE(Record(MakeLine("164", 0, 152000), recorded).ok());

  grpc::ClientContext context;
  v1::GetCollectionRequest request;
  request.set_id(recorded.collection().id());
  v1::GetCollectionResponse response;
  const grpc::Status status = collections_->GetCollection(&context, request, &response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(recorded.outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(response.collection().total_minor(), 152000);
  EXPECT_EQ(response.collection().collector().text(), "Іван 📦");
  EXPECT_EQ(response.collection().day().day(), 28);
}

TEST_F(RpcPathTest, RequestIdIsTakenOverAndTheReceiptTellsTheCost) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "nightly-fetch/164");
  v1::RecordCollectionRequest request;
  *request.mutable_line() = MakeLine("164", 0, 1);
  v1::RecordCollectionResponse response;

  ASSERT_TRUE(collections_->RecordCollection(&context, request, &response).ok());

  EXPECT_EQ(TrailerOf(context, "x-request-id"), "nightly-fetch/164");
  EXPECT_THAT(TrailerOf(context, "aquifer-receipt"),
              ContainsRegex("queue=[0-9]+,acquire=[0-9]+,sql=[0-9]+,commit=[0-9]+,attempts=1"));
}

TEST_F(RpcPathTest, RequestIdThatCannotStandInALogLineIsReplaced) {
  for (const std::string& bad : {std::string("has space"), std::string(200, 'x')}) {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", bad);
    v1::GetStatusResponse response;

    ASSERT_TRUE(admin_->GetStatus(&context, {}, &response).ok());

    EXPECT_THAT(TrailerOf(context, "x-request-id"), ContainsRegex("^[0-9a-f]{32}$")) << bad;
  }
}

TEST_F(RpcPathTest, UnknownIdIsNotFoundWithReasonAndRemedy) {
  grpc::ClientContext context;
  v1::GetCollectionRequest request;
  request.set_id(999999);
  v1::GetCollectionResponse response;

  const grpc::Status status = collections_->GetCollection(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "collection 999999 not found");
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->reason(), "COLLECTION_NOT_FOUND");
  EXPECT_EQ(info->domain(), "aquifer");
  EXPECT_FALSE(info->metadata().at("remedy").empty());
  const auto request_info = DetailOf<google::rpc::RequestInfo>(status);
  ASSERT_TRUE(request_info);
  EXPECT_EQ(request_info->request_id(), TrailerOf(context, "x-request-id"));
}

TEST_F(RpcPathTest, EveryBadFieldIsNamedAtOnce) {
  v1::CollectionLine line = MakeLine("", 0, -5);
  line.set_note(std::string("a\0b", 3));
  v1::RecordCollectionResponse response;

  const grpc::Status status = Record(line, response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto bad = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad);
  std::vector<std::string> fields;
  for (const auto& violation : bad->field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre("line.device_id", "line.banknotes_minor",
                                                      "line.note"));
}

TEST_F(RpcPathTest, TextThatIsNotUtf8IsInvalidArgument) {
  // RecordCollectionRequest{line{device_id: "\xff"}}
  const grpc::Status status = CallRaw("/aquifer.v1.CollectionRepository/RecordCollection",
                                      std::string("\x0a\x03\x0a\x01\xff"));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "MESSAGE_UNREADABLE");
}

TEST_F(RpcPathTest, BytesThatAreNoMessageAreInvalidArgument) {
  const grpc::Status status =
      CallRaw("/aquifer.v1.CollectionRepository/ListCollections", std::string(1000, '\xff'));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RpcPathTest, MessageOf100MegabytesIsRefusedAndTheServerGoesOn) {
  const grpc::Status status = CallRaw("/aquifer.v1.CollectionRepository/RecordCollections",
                                      std::string(100 * 1024 * 1024, 'x'));

  EXPECT_THAT(status.error_code(),
              AnyOf(grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::INVALID_ARGUMENT))
      << status.error_message();
  EXPECT_LT(server_->Log().size(), 10000u);
  v1::RecordCollectionResponse response;
  EXPECT_TRUE(Record(MakeLine("164", 0, 1), response).ok());
}

TEST_F(RpcPathTest, MessageThatIsTooLargeIsRefusedAndLogged) {
  const grpc::Status status = CallRaw("/aquifer.v1.CollectionRepository/RecordCollections",
                                      std::string(5 * 1024 * 1024, 'x'));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(status.error_message(), "the request has 5242880 bytes; at most 4194304 are taken");
  EXPECT_TRUE(server_->AwaitLog(R"("reason":"MESSAGE_TOO_LARGE")"));
}

TEST_F(RpcPathTest, UnknownMethodIsUnimplemented) {
  EXPECT_EQ(CallRaw("/aquifer.v1.CollectionRepository/Nothing", "").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(RpcPathTest, PassedDeadlineNeverTouchesTheDatabase) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() - absl::Seconds(1)));
  v1::RecordCollectionRequest request;
  *request.mutable_line() = MakeLine("164", 0, 1);
  v1::RecordCollectionResponse response;

  const grpc::Status status = collections_->RecordCollection(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(database_.Execute("SELECT id FROM aquifer.collections").size(), 0u);
}

TEST_F(RpcPathTest, DeadlineReachesTheStatement) {
  // Holds the row lock the correction needs, for longer than the caller's deadline.
  v1::RecordCollectionResponse recorded;
  ASSERT_TRUE(Record(MakeLine("164", 0, 100), recorded).ok());
  pqxx::connection blocker(database_.url());
  pqxx::work lock(blocker);
  lock.exec("SELECT id FROM aquifer.collections FOR UPDATE");

  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(300)));
  v1::CorrectCollectionRequest request;
  request.set_id(recorded.collection().id());
  request.set_version(recorded.collection().version());
  request.set_coins_minor(5);
  request.set_reason("test");
  v1::CorrectCollectionResponse response;
  const grpc::Status status = collections_->CorrectCollection(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // The server gives up by itself: its own log says so, and the statement is not left behind.
  EXPECT_TRUE(server_->AwaitLog(R"("reason":"DEADLINE_EXCEEDED")"));
  EXPECT_EQ(lock.exec("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").size(), 0u);
}

TEST_F(RpcPathTest, DomainRule13_LogAndErrorsHoldNoPersonalData) {
  v1::CollectionLine line = MakeLine("164", 0, 100);
  line.set_collector("Secret Collector");
  line.set_card_id("SECRETCARD");
  line.set_note("secret note");
  v1::RecordCollectionResponse recorded;
  ASSERT_TRUE(Record(line, recorded).ok());
  line.set_note(std::string(2001, 'S'));
  line.set_collector("Secret Collector");
  const grpc::Status refused = Record(line, recorded);

  ASSERT_TRUE(server_->AwaitLog("INVALID_FIELDS"));
  EXPECT_FALSE(absl::StrContains(absl::AsciiStrToLower(server_->Log()), "secret"));
  EXPECT_THAT(refused.error_message(), Not(HasSubstr("SSS")));
}

TEST_F(RpcPathTest, OneLogLineACallWithItsCost) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "find-me-1");
  v1::GetCollectionRequest request;
  request.set_id(12345);
  v1::GetCollectionResponse response;
  collections_->GetCollection(&context, request, &response);
  ASSERT_TRUE(server_->AwaitLog("find-me-1"));

  std::vector<std::string> lines;
  const std::string log = server_->Log();
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    if (absl::StrContains(line, "find-me-1")) lines.emplace_back(line);
  }

  ASSERT_EQ(lines.size(), 1u);
  for (const char* part :
       {R"("event":"rpc")", R"("method":"CollectionRepository.GetCollection")",
        R"("code":"NOT_FOUND")", R"("reason":"COLLECTION_NOT_FOUND")", R"("peer":"ipv4:127.0.0.1:)",
        R"("queue_us":)", R"("acquire_us":)", R"("sql_us":)", R"("commit_us":)", R"("rows":0)"}) {
    EXPECT_THAT(lines[0], HasSubstr(part));
  }
}

TEST_F(RpcPathTest, StatusShowsTheWhole) {
  grpc::ClientContext context;
  v1::GetStatusResponse status;

  ASSERT_TRUE(admin_->GetStatus(&context, {}, &status).ok());

  EXPECT_FALSE(status.version().empty());
  EXPECT_FALSE(status.instance().empty());
  EXPECT_EQ(status.health().level(), v1::HEALTH_LEVEL_HEALTHY) << status.DebugString();
  EXPECT_EQ(status.health().checks_size(), 5);
  EXPECT_GE(status.pool().idle() + status.pool().active(), status.pool().min_size());
  EXPECT_GE(status.database().schema_version(), 5);
  EXPECT_EQ(status.database().role(), "primary");
  EXPECT_THAT(status.database().version(), ContainsRegex("^[0-9]+"));
  EXPECT_EQ(status.database().time_zone(), "Europe/Kyiv");
}

}  // namespace
}  // namespace aquifer::testing
