// What is large: answers, errors and requests stay within what a client with default limits takes
// and what the server's memory can bear.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;

class LimitsTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    // The fixture's channel takes messages of any size; most clients' take 4 MiB.
    ordinary_ = v1::CollectionRepository::NewStub(
        grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
  }

  void InsertLinesWithLongNotes(int count) {
    database_.Execute(absl::StrCat(
        "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, note) "
        "SELECT n::text, '2026-01-01'::timestamptz + n * interval '1 second', 1, 0, "
        "repeat('📦', 2000) FROM generate_series(1, ",
        count, ") AS n"));
  }

  // The most memory the server ever had resident, in KiB.
  std::int64_t PeakKib() const {
    std::ifstream status(absl::StrCat("/proc/", server_->pid(), "/status"));
    std::string line;
    while (std::getline(status, line)) {
      long kib = 0;
      if (std::sscanf(line.c_str(), "VmHWM: %ld", &kib) == 1) return kib;
    }
    return 0;
  }

  grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                       const std::string& bytes) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    auto call = stub.PrepareUnaryCall(
        &context, absl::StrCat("/aquifer.v1.CollectionRepository/", method), request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
  }

  std::unique_ptr<v1::CollectionRepository::Stub> ordinary_;
};

TEST_F(LimitsTest, ThousandBadFieldsReachAnOrdinaryClient) {
  v1::ListCollectionsRequest request;
  for (int i = 0; i < 1000; ++i) request.mutable_filter()->add_device_ids(std::string(65, 'x'));
  grpc::ClientContext context;
  v1::ListCollectionsResponse response;

  const grpc::Status status = ordinary_->ListCollections(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("more"));
  const auto bad = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->field_violations(0).field(), "filter.device_ids[0]");
}

TEST_F(LimitsTest, PageOfLongNotesIsShorterAndTheNextGoesOn) {
  InsertLinesWithLongNotes(1000);
  std::set<std::int64_t> ids;
  v1::ListCollectionsRequest request;
  request.set_page_size(1000);
  int pages = 0;
  do {
    grpc::ClientContext context;
    v1::ListCollectionsResponse response;
    const grpc::Status status = ordinary_->ListCollections(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Collection& line : response.collections()) ids.insert(line.id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());

  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_GT(pages, 1);
}

TEST_F(LimitsTest, StreamOfLongNotesFitsAnOrdinaryClient) {
  InsertLinesWithLongNotes(1500);
  grpc::ClientContext context;
  auto reader = ordinary_->StreamCollections(&context, {});

  std::set<std::int64_t> ids;
  v1::StreamCollectionsResponse page;
  while (reader->Read(&page)) {
    for (const v1::Collection& line : page.collections()) ids.insert(line.id());
  }

  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(ids.size(), 1500u);
}

TEST_F(LimitsTest, TwoMillionEmptyLinesAreRefusedBeforeTheyFillTheMemory) {
  std::string bytes;
  for (int i = 0; i < 2000000; ++i) bytes.append("\x0a\x00", 2);
  const std::int64_t before = PeakKib();

  const grpc::Status status = CallRaw(channel_, "RecordCollections", bytes);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "INVALID_FIELDS");
  EXPECT_LT(PeakKib() - before, 64 * 1024);
}

TEST_F(LimitsTest, CompressedBombIsRefusedBeforeItFillsTheMemory) {
  grpc::ChannelArguments arguments;
  arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
  const auto channel =
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), arguments);
  const std::int64_t before = PeakKib();

  const grpc::Status status =
      CallRaw(channel, "RecordCollections", std::string(400 * 1024 * 1024, '\0'));

  EXPECT_FALSE(status.ok());
  EXPECT_LT(PeakKib() - before, 64 * 1024) << status.error_message();
}

TEST_F(LimitsTest, FailedTransactionIsLoggedUnderItsRequestId) {
  database_.Execute("ALTER TABLE aquifer.collections RENAME COLUMN note TO renamed");
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "find-the-cause");
  v1::GetCollectionRequest request;
  request.set_id(1);
  v1::GetCollectionResponse response;

  EXPECT_FALSE(collections_->GetCollection(&context, request, &response).ok());

  ASSERT_TRUE(server_->AwaitLog(R"("event":"rpc")"));
  std::vector<std::string> lines;
  const std::string log = server_->Log();
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    if (absl::StrContains(line, "transaction_failed")) lines.emplace_back(line);
  }
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr(R"("request_id":"find-the-cause")"));
}

class StreamLimitsTest : public LimitsTest {
 protected:
  void SetUp() override { StartServer({"--max-streams", "1", "--stream-patience-ms", "1000"}); }

  // Tries until the place of the stream that ended is free again.
  grpc::Status ImportNothing() {
    grpc::Status status;
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    do {
      grpc::ClientContext context;
      v1::ImportCollectionsResponse response;
      auto writer = collections_->ImportCollections(&context, &response);
      writer->WritesDone();
      status = writer->Finish();
    } while (!status.ok() && absl::Now() < deadline);
    return status;
  }
};

TEST_F(StreamLimitsTest, StreamBeyondTheMostIsRefusedUntilOneEnds) {
  grpc::ClientContext context;
  v1::ImportCollectionsResponse response;
  auto first = collections_->ImportCollections(&context, &response);
  v1::ImportCollectionsRequest part;
  *part.add_lines() = MakeLine("164", 0, 100);
  ASSERT_TRUE(first->Write(part));
  while (database_.Execute("SELECT 1 FROM aquifer.collections").empty()) {
  }

  grpc::ClientContext beyond;
  auto second = collections_->StreamCollections(&beyond, {});
  v1::StreamCollectionsResponse page;
  EXPECT_FALSE(second->Read(&page));
  const grpc::Status refused = second->Finish();

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused)->reason(), "TOO_MANY_STREAMS");
  first->WritesDone();
  EXPECT_TRUE(first->Finish().ok());
  EXPECT_TRUE(ImportNothing().ok());
}

TEST_F(StreamLimitsTest, ImportThatStaysSilentIsEndedAndKeepsWhatItSent) {
  grpc::ClientContext context;
  v1::ImportCollectionsResponse response;
  auto writer = collections_->ImportCollections(&context, &response);
  v1::ImportCollectionsRequest part;
  *part.add_lines() = MakeLine("164", 0, 100);
  ASSERT_TRUE(writer->Write(part));

  const grpc::Status status = writer->Finish();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("1s"));
  EXPECT_EQ(database_.Execute("SELECT 1 FROM aquifer.collections").size(), 1u);
  EXPECT_TRUE(ImportNothing().ok());
}

TEST_F(StreamLimitsTest, StreamThatNobodyReadsIsEnded) {
  InsertLinesWithLongNotes(1500);
  grpc::ClientContext context;
  auto reader = collections_->StreamCollections(&context, {});

  EXPECT_TRUE(server_->AwaitLog(R"("reason":"DEADLINE_EXCEEDED")"));
  v1::StreamCollectionsResponse page;
  while (reader->Read(&page)) {
  }

  EXPECT_FALSE(reader->Finish().ok());
  EXPECT_TRUE(ImportNothing().ok());
}

}  // namespace
}  // namespace aquifer::testing
