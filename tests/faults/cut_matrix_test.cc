// The link to the database broken at every step of every kind of write, in every way; the caller
// repeats until it has an answer, and there is exactly one effect.
//
// A run begins without a connection, so its steps are all there are: connect, BEGIN, each statement
// prepared and run, COMMIT. Which of them is broken is counted, not named, so that a step that
// somebody adds is broken too.
#include <absl/random/random.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aquifer/v1/collection.grpc.pb.h"
#include "aquifer/v1/maintenance.grpc.pb.h"
#include "aquifer/v1/transaction.grpc.pb.h"
#include "tests/faults/repeats.h"
#include "tests/testing/proxied_database.h"
#include "tests/testing/server_process.h"

namespace aquifer::testing {
namespace {

// 2026-03-28 in Kyiv.
constexpr std::int64_t kFirstSecond = 1774648800;
// Of the first try, which a held answer makes last this long, and of the others.
constexpr absl::Duration kFirstPatience = absl::Milliseconds(250);
constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kBetweenTries = absl::Milliseconds(10);
constexpr int kMostTries = 50;
// More than any write has.
constexpr int kMostSteps = 60;

constexpr Fault kFaults[] = {Fault::kCutBefore, Fault::kCutAtOnce, Fault::kCutBeforeAnswer,
                             Fault::kHoldAnswer};

// A server behind a proxy, with a database of its own.
class Broken {
 public:
  Broken() {
    // The monitor's looks are no steps of a write.
    proxy_.Spare(" health");
    server_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"--database-url", UrlThrough(proxy_, database_), "--pool-min", "0",
                                 "--pool-max", "4", "--log-level", "error"});
  }

  // Whether it serves; the stubs are there then.
  bool AwaitServing() {
    if (!server_->AwaitServing()) return false;
    const auto channel = server_->Channel();
    collections = v1::CollectionRepository::NewStub(channel);
    maintenance = v1::MaintenanceRepository::NewStub(channel);
    transactions = v1::TransactionService::NewStub(channel);
    return true;
  }

  FaultProxy& proxy() { return proxy_; }

  int Count(const std::string& sql) { return database_.Execute(sql)[0][0].as<int>(); }
  int Lines(int run) {
    return Count(absl::StrCat("SELECT count(*) FROM aquifer.collections WHERE device_id = 'run-",
                              run, "' AND version = 1"));
  }
  int Tasks(int run) {
    return Count(absl::StrCat("SELECT count(*) FROM aquifer.maintenance_tasks WHERE title = 'run-",
                              run, "'"));
  }

  std::string NewId() { return NewRequestId(random_); }

  std::unique_ptr<v1::CollectionRepository::Stub> collections;
  std::unique_ptr<v1::MaintenanceRepository::Stub> maintenance;
  std::unique_ptr<v1::TransactionService::Stub> transactions;

 private:
  TestDatabase database_;
  FaultProxy proxy_{DatabaseSocket()};
  std::unique_ptr<ServerProcess> server_;
  absl::BitGen random_;
};

void FillLine(int run, int second, v1::CollectionLine& line) {
  line.set_device_id(absl::StrCat("run-", run));
  line.mutable_collected_at()->set_seconds(kFirstSecond + second);
  line.set_banknotes_minor(100);
}

void FillTask(int run, v1::CreateTaskRequest& request) {
  request.mutable_details()->set_title(absl::StrCat("run-", run));
  request.mutable_details()->set_type(v1::TASK_TYPE_SYSTEM_CLEANING);
}

using Try = std::function<grpc::Status(grpc::ClientContext&)>;

// One kind of write. `make` prepares a run and gives what a try of it does; `effects` counts what
// it did, and 1 is right.
struct Kind {
  const char* name;
  std::function<Try(Broken&, int run)> make;
  std::function<int(Broken&, int run)> effects;
};

Try RecordLine(Broken& broken, int run) {
  v1::RecordCollectionRequest request;
  FillLine(run, 0, *request.mutable_line());
  return [&broken, request](grpc::ClientContext& context) {
    v1::RecordCollectionResponse response;
    return broken.collections->RecordCollection(&context, request, &response);
  };
}

Try RecordBatch(Broken& broken, int run) {
  v1::RecordCollectionsRequest request;
  for (int second = 0; second < 3; ++second) FillLine(run, second, *request.add_lines());
  return [&broken, request](grpc::ClientContext& context) {
    v1::RecordCollectionsResponse response;
    return broken.collections->RecordCollections(&context, request, &response);
  };
}

// The line to correct is stored before anything breaks.
Try CorrectLine(Broken& broken, int run) {
  v1::CorrectCollectionRequest request;
  grpc::ClientContext arranging;
  v1::RecordCollectionRequest line;
  FillLine(run, 0, *line.mutable_line());
  v1::RecordCollectionResponse stored;
  EXPECT_TRUE(broken.collections->RecordCollection(&arranging, line, &stored).ok());
  request.set_id(stored.collection().id());
  request.set_version(stored.collection().version());
  request.set_coins_minor(7);
  request.set_reason("matrix");
  request.set_request_id(broken.NewId());
  return [&broken, request](grpc::ClientContext& context) {
    v1::CorrectCollectionResponse response;
    return broken.collections->CorrectCollection(&context, request, &response);
  };
}

int Corrections(Broken& broken, int run) {
  return broken.Count(absl::StrCat(
      "SELECT count(*) FROM aquifer.collections WHERE version = 2 AND device_id = 'run-", run,
      "'"));
}

Try CreateTask(Broken& broken, int run) {
  v1::CreateTaskRequest request;
  FillTask(run, request);
  request.set_request_id(broken.NewId());
  return [&broken, request](grpc::ClientContext& context) {
    v1::CreateTaskResponse response;
    return broken.maintenance->CreateTask(&context, request, &response);
  };
}

Try ExecuteTwo(Broken& broken, int run) {
  v1::ExecuteRequest request;
  FillTask(run, *request.add_writes()->mutable_create_task());
  FillLine(run, 0, *request.add_writes()->mutable_record_collection()->mutable_line());
  request.set_request_id(broken.NewId());
  return [&broken, request](grpc::ClientContext& context) {
    v1::ExecuteResponse response;
    return broken.transactions->Execute(&context, request, &response);
  };
}

Try ImportFour(Broken& broken, int run) {
  return [&broken, run](grpc::ClientContext& context) {
    v1::ImportCollectionsResponse response;
    const auto writer = broken.collections->ImportCollections(&context, &response);
    for (int part = 0; part < 2; ++part) {
      v1::ImportCollectionsRequest lines;
      for (int second = 0; second < 2; ++second) {
        FillLine(run, 2 * part + second, *lines.add_lines());
      }
      writer->Write(lines);
    }
    writer->WritesDone();
    return writer->Finish();
  };
}

const Kind kKinds[] = {
    {"by its key", RecordLine, [](Broken& b, int run) { return b.Lines(run); }},
    {"guarded", CorrectLine, Corrections},
    {"by request id", CreateTask, [](Broken& b, int run) { return b.Tasks(run); }},
    {"batch", RecordBatch, [](Broken& b, int run) { return b.Lines(run) == 3 ? 1 : 0; }},
    {"Execute", ExecuteTwo,
     [](Broken& b, int run) { return b.Lines(run) == 1 ? b.Tasks(run) : 0; }},
    {"import", ImportFour, [](Broken& b, int run) { return b.Lines(run) == 4 ? 1 : 0; }},
};

// Tries until there is an answer that no repeat could change.
grpc::Status CallUntilAnswered(const Try& attempt) {
  grpc::Status status;
  for (int number = 0; number < kMostTries; ++number) {
    grpc::ClientContext context;
    const absl::Duration patience = number == 0 ? kFirstPatience : kPatience;
    context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
    status = attempt(context);
    if (status.ok() || !MayRepeat(status)) return status;
    absl::SleepFor(kBetweenTries);
  }
  return status;
}

// Breaks each step of a kind of write in one way, until a run had no such step. How many it broke.
int BreakEachStep(Broken& broken, const Kind& kind, Fault fault, int& run) {
  for (int step = 1; step <= kMostSteps; ++step) {
    ++run;
    const Try attempt = kind.make(broken, run);
    broken.proxy().CutAll();
    const int before = broken.proxy().faults();
    broken.proxy().Arm(StepNumber(step), fault);
    const grpc::Status status = CallUntilAnswered(attempt);
    const bool broke = broken.proxy().faults() > before;
    broken.proxy().Arm(StepNumber(0), Fault::kNone, 0);

    EXPECT_TRUE(status.ok()) << kind.name << ", step " << step << ", fault "
                             << static_cast<int>(fault) << ": " << status.error_message();
    EXPECT_EQ(kind.effects(broken, run), 1)
        << kind.name << ", step " << step << ", fault " << static_cast<int>(fault);
    if (!broke) return step - 1;
  }
  ADD_FAILURE() << kind.name << " has more steps than were broken";
  return kMostSteps;
}

TEST(CutMatrixTest, EveryWriteHappensOnceWhicheverStepOfItBreaks) {
  const absl::Time began = absl::Now();
  std::atomic<int> runs = 0;
  std::atomic<int> broken_steps = 0;
  std::vector<std::thread> threads;

  // Most of a run is waiting, so all kinds run side by side.
  std::vector<std::unique_ptr<Broken>> all;
  while (all.size() < std::size(kKinds)) all.push_back(std::make_unique<Broken>());
  for (const auto& broken : all) ASSERT_TRUE(broken->AwaitServing());
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    threads.emplace_back([&, i] {
      const Kind& kind = kKinds[i];
      Broken& broken = *all[i];
      int run = 0;
      for (const Fault fault : kFaults) {
        const int steps = BreakEachStep(broken, kind, fault, run);
        // Connect, a statement prepared and run; most have BEGIN and COMMIT as well.
        EXPECT_GE(steps, 3) << kind.name;
        broken_steps += steps;
      }
      runs += run;
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::cout << runs << " writes, of which " << broken_steps << " had a step broken, in "
            << absl::Trunc(absl::Now() - began, absl::Milliseconds(100)) << "\n";
}

}  // namespace
}  // namespace aquifer::testing
