// Streams over a socket: a million-row kind of answer at constant memory, and imports.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class StreamsTest : public EndToEndTest {
 protected:
  void InsertLines(int count) {
    database_.Execute(absl::StrCat(
        "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, collector) "
        "SELECT (n % 150)::text, '2026-01-01'::timestamptz + n * interval '1 second', n % 1000, 0, "
        "'c' FROM generate_series(1, ",
        count, ") AS n"));
  }

  // The server's resident memory, in KiB.
  std::int64_t ResidentKib() const {
    std::ifstream status(absl::StrCat("/proc/", server_->pid(), "/status"));
    std::string line;
    while (std::getline(status, line)) {
      long kib = 0;
      if (std::sscanf(line.c_str(), "VmRSS: %ld", &kib) == 1) return kib;
    }
    return 0;
  }

  // What an import ends with whose only message has so many bytes; its request id is "too-large".
  grpc::Status ImportMessageOf(std::size_t bytes) {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", "too-large");
    v1::ImportCollectionsResponse response;
    auto writer = collections_->ImportCollections(&context, &response);
    v1::ImportCollectionsRequest part;
    part.add_lines()->set_note(std::string(bytes, 'x'));
    writer->Write(part);
    writer->WritesDone();
    return writer->Finish();
  }

  v1::GetStatusResponse Status() {
    grpc::ClientContext context;
    v1::GetStatusResponse response;
    EXPECT_TRUE(admin_->GetStatus(&context, {}, &response).ok());
    return response;
  }

  // Of the pages that streams sent, those read from the database.
  static std::int64_t PagesRead(const v1::GetStatusResponse& status) {
    for (const auto& statement : status.statements()) {
      if (statement.name() == "collections.list_oldest") return statement.count();
    }
    return 0;
  }

  v1::ImportCollectionsResponse Import(const std::vector<v1::ImportCollectionsRequest>& parts) {
    grpc::ClientContext context;
    v1::ImportCollectionsResponse response;
    auto writer = collections_->ImportCollections(&context, &response);
    for (const auto& part : parts) {
      if (!writer->Write(part)) break;
    }
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(StreamsTest, StreamSendsEveryLineOnceInOrderAtConstantMemory) {
  constexpr int kLines = 200000;
  InsertLines(kLines);
  grpc::ClientContext context;
  auto reader = collections_->StreamCollections(&context, {});

  v1::StreamCollectionsResponse page;
  ASSERT_TRUE(reader->Read(&page));
  const std::int64_t early_kib = ResidentKib();
  std::int64_t lines = 0, last = 0;
  do {
    for (const v1::Collection& line : page.collections()) {
      EXPECT_GT(line.collected_at().seconds(), last);
      last = line.collected_at().seconds();
      ++lines;
    }
  } while (reader->Read(&page));

  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(lines, kLines);
  EXPECT_LT(ResidentKib() - early_kib, 32 * 1024);
}

// What is read ahead is bounded, and whoever takes nothing holds no connection.
TEST_F(StreamsTest, StreamReadsFewPagesAheadOfItsCaller) {
  constexpr int kPages = 200;
  InsertLines(kPages * 1000);
  grpc::ClientContext context;
  auto reader = collections_->StreamCollections(&context, {});
  v1::StreamCollectionsResponse page;
  ASSERT_TRUE(reader->Read(&page));
  std::int64_t read = 0;

  // The same pages twice in a row, and no connection in use: nothing is being read.
  EXPECT_TRUE(Eventually([&] {
    const v1::GetStatusResponse status = Status();
    const std::int64_t before = std::exchange(read, PagesRead(status));
    return read > 0 && read == before && status.pool().active() == 0;
  }));

  EXPECT_LT(read, kPages / 2);
  int taken = 1;
  while (reader->Read(&page)) ++taken;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(taken, kPages);
}

TEST_F(StreamsTest, StreamStopsWhenTheCallerLeaves) {
  InsertLines(200000);
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "leaver");
  auto reader = collections_->StreamCollections(&context, {});
  v1::StreamCollectionsResponse page;
  ASSERT_TRUE(reader->Read(&page));

  context.TryCancel();

  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ASSERT_TRUE(server_->AwaitLog("leaver"));
  const std::string log = server_->Log();
  EXPECT_THAT(log.substr(log.find("CollectionRepository.StreamCollections")),
              ::testing::HasSubstr(R"("code":"CANCELLED")"));
}

TEST_F(StreamsTest, StreamOfNothingEndsAtOnce) {
  grpc::ClientContext context;
  auto reader = collections_->StreamCollections(&context, {});

  v1::StreamCollectionsResponse page;
  while (reader->Read(&page)) EXPECT_EQ(page.collections_size(), 0);

  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(StreamsTest, BadStreamRequestIsRefusedBeforeTheFirstPage) {
  grpc::ClientContext context;
  v1::StreamCollectionsRequest request;
  request.mutable_filter()->add_worker_ids(-1);
  auto reader = collections_->StreamCollections(&context, request);

  v1::StreamCollectionsResponse page;
  EXPECT_FALSE(reader->Read(&page));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StreamsTest, ImportCountsAndNamesRejectedLinesByTheirPlaceInTheStream) {
  std::vector<v1::ImportCollectionsRequest> parts(3);
  for (int part = 0; part < 3; ++part) {
    for (int i = 0; i < 400; ++i) {
      *parts[part].add_lines() = MakeLine(absl::StrCat(i), part * 1000, 100);
    }
    parts[part].mutable_lines(7)->set_banknotes_text("12,5");
  }

  const v1::ImportCollectionsResponse first = Import(parts);
  const v1::ImportCollectionsResponse again = Import(parts);

  EXPECT_EQ(first.counts().inserted(), 1197);
  EXPECT_EQ(first.counts().rejected(), 3);
  ASSERT_EQ(first.rejected_lines_size(), 3);
  EXPECT_EQ(first.rejected_lines(0).line_number(), 8);
  EXPECT_EQ(first.rejected_lines(2).line_number(), 808);
  EXPECT_EQ(again.counts().inserted(), 0);
  EXPECT_EQ(again.counts().unchanged(), 1197);
}

TEST_F(StreamsTest, ImportMessageOverTheLimitIsNoEndOfTheStream) {
  const grpc::Status status = ImportMessageOf(5 * 1024 * 1024);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(server_->AwaitLog("too-large"));
  EXPECT_THAT(
      server_->Log(),
      HasSubstr(
          R"("code":"INVALID_ARGUMENT","reason":"MESSAGE_TOO_LARGE","request_id":"too-large")"));
}

TEST_F(StreamsTest, ImportMessageThatGrpcRefusesIsNoEndOfTheStream) {
  const grpc::Status status = ImportMessageOf(20 * 1024 * 1024);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  ASSERT_TRUE(server_->AwaitLog("too-large"));
  EXPECT_THAT(server_->Log(),
              Not(HasSubstr(R"("code":"OK","reason":"","request_id":"too-large")")));
}

TEST_F(StreamsTest, ImportKeepsTheFirstHundredRejectedLines) {
  v1::ImportCollectionsRequest part;
  for (int i = 0; i < 500; ++i) part.add_lines()->set_device_id("164");

  const v1::ImportCollectionsResponse response = Import({part, part});

  EXPECT_EQ(response.counts().rejected(), 1000);
  EXPECT_EQ(response.rejected_lines_size(), 100);
  EXPECT_EQ(response.rejected_lines(99).line_number(), 100);
}

TEST_F(StreamsTest, BrokenImportKeepsWhatWasStoredAndMayBeRepeated) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "broken-import");
  v1::ImportCollectionsResponse response;
  auto writer = collections_->ImportCollections(&context, &response);
  v1::ImportCollectionsRequest part;
  *part.add_lines() = MakeLine("164", 0, 100);
  ASSERT_TRUE(writer->Write(part));
  ASSERT_TRUE(
      Eventually([&] { return !database_.Execute("SELECT 1 FROM aquifer.collections").empty(); }));

  context.TryCancel();

  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ASSERT_TRUE(server_->AwaitLog("broken-import"));
  *part.add_lines() = MakeLine("165", 0, 200);
  const v1::ImportCollectionsResponse repeated = Import({part});
  EXPECT_EQ(repeated.counts().unchanged(), 1);
  EXPECT_EQ(repeated.counts().inserted(), 1);
}

}  // namespace
}  // namespace aquifer::testing
