// More callers than there is room for, callers that leave, statements that do not end and locks of
// strangers: the documented error, and normal service afterwards.
#include <absl/random/random.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>

#include "aquifer/v1/transaction.grpc.pb.h"
#include "tests/faults/faults_test.h"

namespace aquifer::testing {
namespace {

class StrainTest : public FaultsTest {
 protected:
  // A line of this device takes 20 ms to store, one of the other half a minute.
  static constexpr char kSlow[] = "slow";
  static constexpr char kEndless[] = "endless";

  static void SetUpTestSuite() { postgres_ = std::make_unique<OwnPostgres>(); }
  static void TearDownTestSuite() { postgres_.reset(); }

  void Start(std::vector<std::string> flags) {
    StartServer(postgres_->Url(), std::move(flags));
    transactions_ = v1::TransactionService::NewStub(server_->Channel());
    postgres_->Execute(R"sql(
      CREATE OR REPLACE FUNCTION aquifer.take_time() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_sleep(CASE NEW.device_id WHEN 'slow' THEN 0.02 WHEN 'endless' THEN 30 ELSE 0 END);
        RETURN NEW;
      END $$;
      CREATE OR REPLACE TRIGGER take_time BEFORE INSERT ON aquifer.collections
      FOR EACH ROW EXECUTE FUNCTION aquifer.take_time())sql");
  }

  grpc::Status RecordAt(const std::string& device, int second, grpc::ClientContext& context) {
    v1::RecordCollectionResponse response;
    return collections_->RecordCollection(&context, MakeLine(device, second), &response);
  }
  grpc::Status RecordAt(const std::string& device, int second,
                        absl::Duration patience = absl::Seconds(30)) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
    return RecordAt(device, second, context);
  }

  // The same as a transaction, for calls that are not to be joined into one statement.
  grpc::Status RecordApart(int second, grpc::ClientContext& context) {
    v1::ExecuteRequest request;
    *request.add_writes()->mutable_record_collection() = MakeLine(kSlow, second);
    v1::ExecuteResponse response;
    return transactions_->Execute(&context, request, &response);
  }

  // The server's sessions on the database, the monitor's left out.
  static int Sessions(const std::string& filter = "true") {
    return postgres_
        ->Execute(absl::StrCat("SELECT count(*) FROM pg_stat_activity WHERE usename = '", kOwnRole,
                               "' AND application_name NOT LIKE '% health' AND ", filter))[0][0]
        .as<int>();
  }

  double QueuedCalls() const { return Series("aquifer_queue_calls{queue=\"workers\"}"); }

  // The bucket that this part of the refusals lies in, as the server timed them.
  std::string RefusedWithin(double part) const {
    const std::string all = Get(server_->metrics_address(), "/metrics");
    const double count = SeriesIn(all, "aquifer_refusal_seconds_count");
    for (const char* bound : {"1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001",
                              "0.0025", "0.005", "0.01", "0.1"}) {
      const std::string series = absl::StrCat("aquifer_refusal_seconds_bucket{le=\"", bound, "\"}");
      if (SeriesIn(all, series) >= part * count) return absl::StrCat(bound, " s");
    }
    return "more than 0.1 s";
  }

  // A call that waits on a thread of its own, until it is answered or left.
  class Queued {
   public:
    explicit Queued(const std::function<grpc::Status(grpc::ClientContext&)>& call)
        : thread_([this, call] { call(context_); }) {}
    ~Queued() { Leave(); }
    void Leave() {
      context_.TryCancel();
      if (thread_.joinable()) thread_.join();
    }

   private:
    grpc::ClientContext context_;
    std::thread thread_;
  };

  static std::unique_ptr<OwnPostgres> postgres_;
  std::unique_ptr<v1::TransactionService::Stub> transactions_;
};

std::unique_ptr<OwnPostgres> StrainTest::postgres_;

TEST_F(StrainTest, StampedeIsRefusedAtOnceWithAdviceAndNormalServiceFollows) {
  constexpr int kPool = 4;
  constexpr int kCallers = 50 * kPool;
  Start({"--pool-max", "4", "--pool-min", "4", "--queue-capacity", "40", "--queue-share-percent",
         "100"});
  ASSERT_TRUE(RecordAt(kSlow, 0).ok());
  std::mutex mutex;
  std::vector<absl::Duration> refusals;
  std::vector<absl::Duration> answers;
  std::vector<std::string> wrongs;
  std::vector<std::thread> callers;

  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      const absl::Time began = absl::Now();
      const grpc::Status status = RecordAt(kSlow, 1 + caller);
      const absl::Duration took = absl::Now() - began;
      const std::lock_guard<std::mutex> lock(mutex);
      if (status.ok()) {
        answers.push_back(took);
      } else if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
                 DetailOf<google::rpc::RetryInfo>(status)) {
        refusals.push_back(took);
      } else {
        wrongs.push_back(status.error_message());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  const absl::Duration recovery = AwaitService(absl::Now());

  EXPECT_THAT(wrongs, ::testing::IsEmpty());
  ASSERT_FALSE(refusals.empty());
  EXPECT_GE(answers.size(), 40u);
  EXPECT_LT(*std::max_element(refusals.begin(), refusals.end()),
            *std::max_element(answers.begin(), answers.end()))
      << "a refusal waited like a call";
  std::cout << "stampede: " << answers.size() << " served within " << Spread(answers) << "; "
            << refusals.size() << " refused within " << Spread(refusals)
            << "; the next call served within " << recovery << "\n";
  // Those of the queues, all of which are timed.
  EXPECT_EQ(Series("aquifer_refusal_seconds_count"), refusals.size());
  std::cout << "within the server, from arrival to answer: half of the refusals within "
            << RefusedWithin(0.5) << ", 99 of 100 within " << RefusedWithin(0.99) << "\n";
}

TEST_F(StrainTest, RefusalWaitsForNoWorker) {
  Start({"--pool-max", "1", "--pool-min", "1", "--queue-capacity", "1", "--queue-share-percent",
         "100"});
  Queued endless([&](grpc::ClientContext& context) { return RecordAt(kEndless, 0, context); });
  ASSERT_TRUE(Eventually([] { return Sessions("state = 'active'") == 1; }));
  Queued waiting([&](grpc::ClientContext& context) { return RecordApart(1, context); });
  ASSERT_TRUE(Eventually([this] { return QueuedCalls() == 1; }));

  grpc::ClientContext context;
  const grpc::Status status = RecordApart(2, context);

  EXPECT_EQ(ReasonIn(status), "QUEUE_FULL") << status.error_message();
  EXPECT_EQ(Sessions("state = 'active'"), 1) << "the only worker came free";
  EXPECT_EQ(QueuedCalls(), 1);
}

TEST_F(StrainTest, CallerThatLeavesGivesUpItsPlaceInTheQueueAtOnce) {
  Start({"--pool-max", "1", "--pool-min", "1", "--queue-capacity", "2", "--queue-share-percent",
         "100"});
  Queued endless([&](grpc::ClientContext& context) { return RecordAt(kEndless, 0, context); });
  ASSERT_TRUE(Eventually([] { return Sessions("state = 'active'") == 1; }));
  const auto joined = [&](grpc::ClientContext& context) { return RecordAt("164", 1, context); };
  const auto apart = [&](grpc::ClientContext& context) { return RecordApart(1, context); };

  for (const std::function<grpc::Status(grpc::ClientContext&)>& call :
       {std::function(joined), std::function(apart)}) {
    Queued first(call);
    Queued second(call);
    ASSERT_TRUE(Eventually([this] { return QueuedCalls() == 2; }));
    EXPECT_GT(Series("aquifer_queue_bytes{queue=\"workers\"}"), 0);
    grpc::ClientContext full;
    EXPECT_EQ(ReasonIn(call(full)), "QUEUE_FULL");

    const absl::Time left = absl::Now();
    first.Leave();
    EXPECT_TRUE(Eventually([this] { return QueuedCalls() == 1; }));
    std::cout << "a place in the queue was seen free " << absl::Now() - left
              << " after its caller left\n";
    Queued third(call);
    EXPECT_TRUE(Eventually([this] { return QueuedCalls() == 2; }));
    second.Leave();
    third.Leave();
    EXPECT_TRUE(Eventually([this] { return QueuedCalls() == 0; }));
    EXPECT_EQ(Series("aquifer_queue_bytes{queue=\"workers\"}"), 0);
  }

  EXPECT_EQ(Sessions("state = 'active'"), 1) << "the only worker came free";
  EXPECT_EQ(Series("aquifer_queue_withdrawn_total{queue=\"workers\"}"), 6);
}

TEST_F(StrainTest, CancelStormEndsNobodyElsesCallAndKeepsTheBackends) {
  constexpr int kCallers = 40;
  constexpr int kRounds = 25;
  Start({"--pool-max", "8", "--pool-min", "8", "--queue-share-percent", "100"});
  std::atomic<int> left = 0;
  std::atomic<int> served = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;

  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      absl::BitGen random;
      for (int round = 0; round < kRounds; ++round) {
        grpc::ClientContext context;
        const bool leaves = caller % 4 != 0;
        std::thread leaver;
        if (leaves) {
          // The fault itself: any moment of the call.
          const absl::Duration moment = absl::Milliseconds(60) * absl::Uniform(random, 0.0, 1.0);
          leaver = std::thread([&context, moment] {
            absl::SleepFor(moment);
            context.TryCancel();
          });
        }
        const grpc::Status status = RecordAt(kSlow, 1000 * (caller + 1) + round, context);
        if (leaver.joinable()) leaver.join();
        if (status.ok()) {
          ++served;
        } else if (leaves && status.error_code() == grpc::StatusCode::CANCELLED) {
          ++left;
        } else {
          ++wrong;
        }
      }
    });
  }
  int most = 0;
  std::atomic<bool> done = false;
  std::thread watcher([&] {
    while (!done) most = std::max(most, Sessions());
  });
  for (std::thread& caller : callers) caller.join();
  done = true;
  watcher.join();

  EXPECT_EQ(wrong, 0) << "a call that nobody cancelled did not succeed";
  EXPECT_GT(left, 0);
  // A connection that a cancel may still reach is replaced, and its backend may take a moment.
  EXPECT_LE(most, 2 * 8);
  EXPECT_TRUE(Eventually([] { return Sessions() <= 8; }));
  EXPECT_TRUE(Eventually([] { return Sessions("state <> 'idle'") == 0; }));
  std::cout << "cancel storm: " << served << " served, " << left << " left, most backends at once "
            << most << "\n";
  EXPECT_TRUE(Record(0).ok());
}

// A stream that is left may have a page on its way, one in the making and one that waits for a
// thread, in any combination.
TEST_F(StrainTest, StreamsThatAreLeftAtAnyMomentEndOnce) {
  constexpr int kReaders = 24;
  constexpr int kRounds = 15;
  Start({"--pool-max", "2", "--pool-min", "2", "--queue-share-percent", "100"});
  postgres_->Execute(
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) "
      "SELECT 'stream', timestamptz '2025-01-01' + n * interval '1 s', 1, 0 "
      "FROM generate_series(1, 20000) AS n ON CONFLICT DO NOTHING");
  std::vector<std::thread> readers;

  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([this] {
      absl::BitGen random;
      for (int round = 0; round < kRounds; ++round) {
        grpc::ClientContext context;
        const auto stream = collections_->StreamCollections(&context, {});
        v1::StreamCollectionsResponse page;
        for (int left = absl::Uniform(random, 0, 6); left > 0 && stream->Read(&page); --left) {
        }
        context.TryCancel();
        (void)stream->Finish();
      }
    });
  }
  for (std::thread& reader : readers) reader.join();

  EXPECT_TRUE(Record(0).ok()) << server_->Log();
  EXPECT_TRUE(Eventually([this] { return QueuedCalls() == 0; }));
  EXPECT_TRUE(Eventually([] { return Sessions("state <> 'idle'") == 0; }));
  std::cout << kReaders * kRounds << " streams left, of which "
            << Series("aquifer_queue_withdrawn_total{queue=\"workers\"}") << " waited\n";
}

TEST_F(StrainTest, SlowStatementEndsAtItsCallersDeadlineAndFreesItsConnection) {
  Start({"--pool-max", "1", "--pool-min", "1"});

  const grpc::Status status = RecordAt(kEndless, 0, absl::Milliseconds(300));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  std::cout << "slow statement: the next call served within " << AwaitService(absl::Now()) << "\n";
  EXPECT_EQ(Sessions("state = 'active'"), 0);
}

TEST_F(StrainTest, CallIsAnsweredWhenItWaitedForTooLongThoughEveryThreadIsBusy) {
  Start({"--pool-max", "1", "--pool-min", "1", "--queue-patience-ms", "100"});
  grpc::ClientContext context;
  std::thread endless([&] { RecordAt(kEndless, 0, context); });
  ASSERT_TRUE(Eventually([] { return Sessions("state = 'active'") == 1; }));

  const grpc::Status status = RecordAt("164", 0);

  EXPECT_EQ(ReasonIn(status), "QUEUE_TOO_LONG") << status.error_message();
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status));
  EXPECT_EQ(Sessions("state = 'active'"), 1);
  EXPECT_GE(Series("aquifer_queue_overdue_total{queue=\"workers\"}"), 1);
  context.TryCancel();
  endless.join();
}

TEST_F(StrainTest, CrowdOfOneCallerLeavesTheNextTurnAndRoomToOthers) {
  constexpr int kCrowd = 40;
  Start({"--pool-max", "1", "--pool-min", "1", "--queue-capacity", "40"});
  {
    // The channel connects with it.
    grpc::ClientContext first;
    ASSERT_TRUE(RecordApart(1002, first).ok());
  }
  std::atomic<int> answered = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> crowd;
  for (int caller = 0; caller < kCrowd; ++caller) {
    crowd.emplace_back([&, caller] {
      grpc::ClientContext context;
      context.AddMetadata("aquifer-caller", "crowd");
      const grpc::Status status = RecordApart(caller, context);
      ++(status.ok() ? answered : refused);
    });
  }
  // Half of the queue is the most that it gets, and the rest of it is turned away.
  ASSERT_TRUE(Eventually([&] { return refused > 0; }));

  grpc::ClientContext bulk;
  bulk.AddMetadata("aquifer-caller", "bulk");
  bulk.AddMetadata("aquifer-priority", "batch");
  grpc::Status bulk_status;
  std::thread patient([&] { bulk_status = RecordApart(1001, bulk); });
  const int before = answered;
  grpc::ClientContext single;
  single.AddMetadata("aquifer-caller", "single");
  EXPECT_TRUE(RecordApart(1000, single).ok());
  const int overtaken_by = answered - before;
  patient.join();
  for (std::thread& caller : crowd) caller.join();

  // The crowd goes on while the two calls are on their way.
  EXPECT_LT(overtaken_by, kCrowd / 4) << "of the crowd that was there first";
  EXPECT_TRUE(bulk_status.ok()) << bulk_status.error_message();
  EXPECT_EQ(answered + refused, kCrowd);
}

TEST_F(StrainTest, LockOfAStrangerIsAConflictThatARepeatGetsOver) {
  Start({});
  StartServer(absl::StrCat(postgres_->Url(), "&options=-c%20lock_timeout%3D200ms"));
  pqxx::connection stranger(postgres_->Url());
  pqxx::work lock(stranger);
  lock.exec("LOCK TABLE aquifer.collections IN ACCESS EXCLUSIVE MODE");

  const grpc::Status locked = Record(0);
  lock.abort();

  EXPECT_EQ(ReasonIn(locked), "TRANSACTION_CONFLICT") << locked.error_message();
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(locked));
  std::cout << "lock let go: served again within " << AwaitService(absl::Now()) << "\n";
}

}  // namespace
}  // namespace aquifer::testing
