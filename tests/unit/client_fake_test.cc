// The C++ library against its own fake server: what a user's test sees.
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

#include "aquifer/fake_server.h"

namespace aquifer::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Collection LineAt(int second, int id) {
  v1::Collection line;
  line.set_id(id);
  line.mutable_collected_at()->set_seconds(second);
  return line;
}

v1::StreamCollectionsResponse PageOf(std::initializer_list<v1::Collection> lines) {
  v1::StreamCollectionsResponse page;
  for (const v1::Collection& line : lines) *page.add_collections() = line;
  return page;
}

class ClientFakeTest : public ::testing::Test {
 protected:
  ClientFakeTest()
      : client_(server_.NewClient({.retries = {.first_delay = absl::Milliseconds(1)}})) {}

  FakeServer server_;
  Client client_;
};

TEST_F(ClientFakeTest, AnswersWhatTheTestSaysAndKeepsWhatItWasAsked) {
  server_.On(
      [](const v1::GetCollectionRequest& request) -> absl::StatusOr<v1::GetCollectionResponse> {
        v1::GetCollectionResponse response;
        response.mutable_collection()->set_id(request.id());
        return response;
      });
  v1::GetCollectionRequest request;
  request.set_id(42);

  const auto answer = client_.collections().GetCollection(request);

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().id(), 42);
  const auto received = server_.Received<v1::GetCollectionRequest>();
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].id(), 42);
}

TEST_F(ClientFakeTest, MethodIsChosenByItsRequestAtRunTime) {
  server_.On([](const v1::CreateTaskRequest&) -> absl::StatusOr<v1::CreateTaskResponse> {
    v1::CreateTaskResponse response;
    response.mutable_task()->set_id(7);
    return response;
  });
  v1::CreateTaskResponse response;
  v1::GetTaskResponse other;
  v1::ImportCollectionsResponse streamed;

  EXPECT_TRUE(client_.Call(v1::CreateTaskRequest(), response).ok());
  EXPECT_EQ(response.task().id(), 7);
  EXPECT_THAT(server_.Received<v1::CreateTaskRequest>().at(0).request_id(), SizeIs(36));
  EXPECT_TRUE(absl::IsInvalidArgument(client_.Call(v1::CreateTaskRequest(), other)));
  EXPECT_TRUE(absl::IsInvalidArgument(client_.Call(response, other)));
  EXPECT_TRUE(absl::IsInvalidArgument(client_.Call(v1::ImportCollectionsRequest(), streamed)));
}

TEST_F(ClientFakeTest, MethodWithoutAnAnswerIsUnimplemented) {
  EXPECT_TRUE(absl::IsUnimplemented(client_.workers().GetWorker({}).status()));
  EXPECT_EQ(*client_.health().Check(), Serving::kYes);
}

TEST_F(ClientFakeTest, ErrorArrivesWithItsDetails) {
  server_.On([](const v1::GetWorkerRequest&) -> absl::StatusOr<v1::GetWorkerResponse> {
    return ErrorWith(absl::StatusCode::kInvalidArgument, "no",
                     {.reason = "INVALID_FIELDS",
                      .fields = {{"id", "must be at least 1"}},
                      .metadata = {{"remedy", "Correct the named fields."}},
                      .call_id = "abc"});
  });

  const auto answer = client_.workers().GetWorker({});

  EXPECT_EQ(answer.status().message(), "no");
  const ErrorDetails details = DetailsOf(answer.status());
  EXPECT_EQ(details.reason, "INVALID_FIELDS");
  ASSERT_THAT(details.fields, SizeIs(1));
  EXPECT_EQ(details.fields[0].field, "id");
  EXPECT_EQ(details.fields[0].description, "must be at least 1");
  EXPECT_EQ(details.metadata.at("remedy"), "Correct the named fields.");
  EXPECT_FALSE(details.retry_after);
  EXPECT_EQ(details.call_id, "abc");
}

TEST_F(ClientFakeTest, AdvisedErrorIsTriedAgainUnderTheSameRequestId) {
  std::atomic<int> calls = 0;
  server_.On([&](const v1::CreateTaskRequest&) -> absl::StatusOr<v1::CreateTaskResponse> {
    if (++calls < 3) {
      return ErrorWith(absl::StatusCode::kAborted, "collided",
                       {.reason = "TRANSACTION_CONFLICT", .retry_after = absl::Milliseconds(1)});
    }
    return v1::CreateTaskResponse();
  });
  CallReport report;

  const auto answer = client_.maintenance().CreateTask({}, {.report = &report});

  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(report.tries, 3);
  const auto received = server_.Received<v1::CreateTaskRequest>();
  ASSERT_THAT(received, SizeIs(3));
  EXPECT_THAT(received[0].request_id(), SizeIs(36));
  EXPECT_EQ(received[1].request_id(), received[0].request_id());
  EXPECT_EQ(received[2].request_id(), received[0].request_id());
}

// Nor does gRPC: a call has one layer of retries.
TEST_F(ClientFakeTest, CallWithoutRetriesIsMadeOnce) {
  server_.On([](const v1::GetWorkerRequest&) -> absl::StatusOr<v1::GetWorkerResponse> {
    return absl::UnavailableError("gone");
  });

  EXPECT_FALSE(client_.workers().GetWorker({}, {.retries = Retries::kNone}).ok());

  EXPECT_THAT(server_.Received<v1::GetWorkerRequest>(), SizeIs(1));
}

TEST_F(ClientFakeTest, HopelessErrorIsNotTriedAgain) {
  server_.On([](const v1::UpdateTaskRequest&) -> absl::StatusOr<v1::UpdateTaskResponse> {
    return ErrorWith(absl::StatusCode::kAborted, "changed", {.reason = "STALE_VERSION"});
  });

  EXPECT_EQ(ReasonOf(client_.maintenance().UpdateTask({}).status()), "STALE_VERSION");

  EXPECT_THAT(server_.Received<v1::UpdateTaskRequest>(), SizeIs(1));
}

TEST_F(ClientFakeTest, CallIsTriedAgainOnlyWhileItsTimeoutAllows) {
  server_.On([](const v1::GetWorkerRequest&) -> absl::StatusOr<v1::GetWorkerResponse> {
    return ErrorWith(absl::StatusCode::kUnavailable, "stopping",
                     {.reason = "SHUTTING_DOWN", .retry_after = absl::Minutes(1)});
  });
  const absl::Time began = absl::Now();

  const auto answer = client_.workers().GetWorker({}, {.timeout = absl::Seconds(30)});

  EXPECT_EQ(ReasonOf(answer.status()), "SHUTTING_DOWN");
  EXPECT_LT(absl::Now() - began, absl::Seconds(20));
}

TEST_F(ClientFakeTest, StreamIsARangeOverAllPages) {
  server_.On([](const v1::StreamCollectionsRequest&)
                 -> absl::StatusOr<std::vector<v1::StreamCollectionsResponse>> {
    return std::vector{PageOf({LineAt(1, 1), LineAt(2, 2)}), PageOf({}), PageOf({LineAt(2, 3)})};
  });
  std::vector<std::int64_t> ids;

  auto lines = client_.collections().StreamCollections({});
  for (const v1::Collection& line : lines) ids.push_back(line.id());

  EXPECT_TRUE(lines.status().ok()) << lines.status();
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));
}

TEST_F(ClientFakeTest, StreamThatIsRefusedTellsWhy) {
  server_.On([](const v1::StreamCollectionsRequest&)
                 -> absl::StatusOr<std::vector<v1::StreamCollectionsResponse>> {
    return absl::InvalidArgumentError("no such filter");
  });

  auto lines = client_.collections().StreamCollections({});

  EXPECT_EQ(lines.Next(), nullptr);
  EXPECT_EQ(lines.Next(), nullptr);
  EXPECT_TRUE(absl::IsInvalidArgument(lines.status()));
}

// Pages "" (two workers), "1" (none) and "2" (one).
absl::StatusOr<v1::ListWorkersResponse> ThreePages(const v1::ListWorkersRequest& request) {
  v1::ListWorkersResponse page;
  if (request.page_token().empty()) {
    page.add_workers()->set_id(1);
    page.add_workers()->set_id(2);
    page.set_next_page_token("1");
  } else if (request.page_token() == "1") {
    page.set_next_page_token("2");
  } else {
    page.add_workers()->set_id(3);
  }
  return page;
}

TEST_F(ClientFakeTest, ListIsARangeOverItsPages) {
  server_.On(ThreePages);
  std::vector<std::int64_t> ids;

  Pages pages(client_.workers().ListWorkers, {});
  for (const v1::ListWorkersResponse& page : pages) {
    for (const v1::Worker& worker : page.workers()) ids.push_back(worker.id());
  }

  EXPECT_TRUE(pages.status().ok()) << pages.status();
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));
  EXPECT_EQ(pages.Next(), nullptr);
  EXPECT_THAT(server_.Received<v1::ListWorkersRequest>(), SizeIs(3));
}

TEST_F(ClientFakeTest, ListThatFailsOnItsWayTellsWhy) {
  server_.On([](const v1::ListWorkersRequest& request) -> absl::StatusOr<v1::ListWorkersResponse> {
    if (!request.page_token().empty()) return absl::DataLossError("gone");
    return ThreePages(request);
  });

  Pages pages(client_.workers().ListWorkers, {});

  EXPECT_NE(pages.Next(), nullptr);
  EXPECT_EQ(pages.Next(), nullptr);
  EXPECT_EQ(pages.Next(), nullptr);
  EXPECT_TRUE(absl::IsDataLoss(pages.status()));
}

TEST_F(ClientFakeTest, WriterTellsWhatBecameOfEachLine) {
  server_.On([](const v1::RecordCollectionsRequest& request)
                 -> absl::StatusOr<v1::RecordCollectionsResponse> {
    v1::RecordCollectionsResponse response;
    for (int i = 0; i < request.lines_size(); ++i) {
      response.add_results()->set_outcome(v1::RECORD_OUTCOME_INSERTED);
    }
    response.mutable_counts()->set_inserted(request.lines_size());
    return response;
  });
  std::vector<std::int64_t> numbers;

  auto writer =
      client_.collections().WriteCollections([&](const CollectionWriter::Outcome& outcome) {
        EXPECT_EQ(outcome.line.banknotes_minor(), outcome.number);
        EXPECT_EQ(outcome.result.outcome(), v1::RECORD_OUTCOME_INSERTED);
        numbers.push_back(outcome.number);
      });
  for (int i = 1; i <= 2500; ++i) {
    v1::CollectionLine line;
    line.set_banknotes_minor(i);
    ASSERT_TRUE(writer.Add(line).ok());
  }
  const auto counts = writer.Finish();

  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->inserted(), 2500);
  EXPECT_THAT(numbers, SizeIs(2500));
  EXPECT_EQ(numbers.back(), 2500);
  EXPECT_EQ(writer.acknowledged(), 2500);
  EXPECT_THAT(server_.Received<v1::RecordCollectionsRequest>(), SizeIs(3));
}

TEST_F(ClientFakeTest, WriterThatFailedSaysWhereToBeginAgain) {
  server_.On([](const v1::RecordCollectionsRequest& request)
                 -> absl::StatusOr<v1::RecordCollectionsResponse> {
    if (request.lines(0).banknotes_minor() > 1000) return absl::DataLossError("full");
    v1::RecordCollectionsResponse response;
    for (int i = 0; i < request.lines_size(); ++i) response.add_results();
    return response;
  });

  auto writer = client_.collections().WriteCollections();
  absl::Status status;
  int added = 0;
  for (; added < 5000 && status.ok(); ++added) {
    v1::CollectionLine line;
    line.set_banknotes_minor(added + 1);
    status = writer.Add(line);
  }

  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_TRUE(absl::IsDataLoss(writer.Finish().status()));
  EXPECT_EQ(added, 2000);
  EXPECT_EQ(writer.acknowledged(), 1000);
}

TEST_F(ClientFakeTest, ImportIsOneCallOfManyMessages) {
  server_.On([](const std::vector<v1::ImportCollectionsRequest>& requests)
                 -> absl::StatusOr<v1::ImportCollectionsResponse> {
    v1::ImportCollectionsResponse response;
    for (const auto& request : requests) {
      response.mutable_counts()->set_inserted(response.counts().inserted() + request.lines_size());
    }
    return response;
  });

  auto import = client_.collections().ImportCollections();
  for (int i = 0; i < 2500; ++i) ASSERT_TRUE(import.Add({}).ok());
  const auto answer = import.Finish();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->counts().inserted(), 2500);
  EXPECT_THAT(server_.Received<v1::ImportCollectionsRequest>(), SizeIs(3));
}

// gRPC sends the stream again by its service config.
TEST_F(ClientFakeTest, ImportThatBreaksIsSentAgain) {
  std::atomic<int> calls = 0;
  server_.On([&](const std::vector<v1::ImportCollectionsRequest>& requests)
                 -> absl::StatusOr<v1::ImportCollectionsResponse> {
    if (++calls == 1) {
      return ErrorWith(absl::StatusCode::kUnavailable, "gone",
                       {.reason = "SHUTTING_DOWN", .retry_after = absl::Milliseconds(1)});
    }
    v1::ImportCollectionsResponse response;
    response.mutable_counts()->set_inserted(requests.at(0).lines_size());
    return response;
  });

  auto import = client_.collections().ImportCollections();
  ASSERT_TRUE(import.Add({}).ok());
  const auto answer = import.Finish();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->counts().inserted(), 1);
  EXPECT_EQ(calls, 2);
}

TEST_F(ClientFakeTest, StreamAndImportMayBeLeftEarly) {
  server_.On([](const v1::StreamCollectionsRequest&)
                 -> absl::StatusOr<std::vector<v1::StreamCollectionsResponse>> {
    return std::vector{PageOf({LineAt(1, 1)}), PageOf({LineAt(2, 2)})};
  });

  auto lines = client_.collections().StreamCollections({});
  EXPECT_EQ(lines.Next()->id(), 1);
  auto import = client_.collections().ImportCollections();

  EXPECT_TRUE(import.Add({}).ok());
}

TEST_F(ClientFakeTest, MetadataThatCannotTravelIsRefusedAndNotSent) {
  server_.On([](const v1::GetWorkerRequest&) -> absl::StatusOr<v1::GetWorkerResponse> {
    return v1::GetWorkerResponse();
  });
  for (const CallOptions& options :
       {CallOptions{.call_id = "two\nlines"}, CallOptions{.metadata = {{"Key", "value"}}},
        CallOptions{.metadata = {{"", "value"}}}, CallOptions{.metadata = {{"key", "Олена"}}}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(client_.workers().GetWorker({}, options).status()));
    auto lines = client_.collections().StreamCollections({}, options);
    EXPECT_EQ(lines.Next(), nullptr);
    EXPECT_TRUE(absl::IsInvalidArgument(lines.status()));
    auto import = client_.collections().ImportCollections(options);
    EXPECT_TRUE(absl::IsInvalidArgument(import.Finish().status()));
  }

  EXPECT_THAT(server_.Received<v1::GetWorkerRequest>(), IsEmpty());
  EXPECT_TRUE(client_.workers().GetWorker({}, {.metadata = {{"key-bin", "Олена\n"}}}).ok());
}

// Keeps what it saw.
class RecordingTracer final : public CallTracer {
 public:
  std::unique_ptr<CallSpan> Begin(const CallTry& call, Metadata& metadata) override {
    metadata.emplace_back("traceparent", "00-1-2-01");
    const std::lock_guard lock(mutex_);
    begun_.push_back(absl::StrCat(call.method, " ", call.number));
    return std::make_unique<Span>(*this);
  }

  std::vector<std::string> begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  std::vector<absl::StatusCode> ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  class Span final : public CallSpan {
   public:
    explicit Span(RecordingTracer& tracer) : tracer_(tracer) {}
    void End(const absl::Status& status) override {
      const std::lock_guard lock(tracer_.mutex_);
      tracer_.ended_.push_back(status.code());
    }

   private:
    RecordingTracer& tracer_;
  };

  mutable std::mutex mutex_;
  std::vector<std::string> begun_;
  std::vector<absl::StatusCode> ended_;
};

TEST_F(ClientFakeTest, TracerSeesEveryTry) {
  const auto tracer = std::make_shared<RecordingTracer>();
  const Client client = server_.NewClient({.retries = {.max_tries = 2}, .tracer = tracer});

  EXPECT_FALSE(client.workers().GetWorker({}).ok());
  server_.On([](const v1::GetWorkerRequest&) -> absl::StatusOr<v1::GetWorkerResponse> {
    return absl::UnavailableError("gone");
  });
  EXPECT_FALSE(client.workers().GetWorker({}).ok());

  EXPECT_THAT(tracer->begun(), ElementsAre("aquifer.v1.WorkerRepository.GetWorker 1",
                                           "aquifer.v1.WorkerRepository.GetWorker 1",
                                           "aquifer.v1.WorkerRepository.GetWorker 2"));
  EXPECT_THAT(tracer->ended(),
              ElementsAre(absl::StatusCode::kUnimplemented, absl::StatusCode::kUnavailable,
                          absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace aquifer::client
