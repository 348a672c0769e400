// The steps of a day of the original bot, each a method: who fetches, who asks, who sends, who
// repairs. The servers and the callers die where the script says so.
#pragma once

#include <absl/strings/str_cat.h>
#include <signal.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aquifer/v1/job.grpc.pb.h"
#include "aquifer/v1/maintenance.grpc.pb.h"
#include "aquifer/v1/worker.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/end_to_end/scripted_vendor.h"
#include "tests/testing/eventually.h"
#include "tests/testing/times.h"

namespace aquifer::testing {

inline constexpr char kFetchJob[] = "daily-fetch";
inline constexpr char kBroadcastJob[] = "daily-summary";
inline constexpr char kKey[] = "2026-03-29";
// Short, for the test waits until it runs out; long against the pauses between renewals.
inline constexpr std::int64_t kLeaseMs = 3000;
inline constexpr int kRecipients = 7;

inline v1::FetchState StateOf(const std::vector<VendorLine>& lines) {
  return lines.empty() ? v1::FETCH_STATE_EMPTY : v1::FETCH_STATE_OK;
}

class ScriptedDayTest : public EndToEndTest {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    StartServer({});
    workers_ = v1::WorkerRepository::NewStub(channel_);
    maintenance_ = v1::MaintenanceRepository::NewStub(channel_);
    jobs_ = v1::JobRepository::NewStub(channel_);
  }

  void Kill() {
    server_->Signal(SIGKILL);
    server_->AwaitExit();
  }

  template <typename Stub, typename Request, typename Response>
  static grpc::Status Try(const std::unique_ptr<Stub>& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const Request& request, Response& response) {
    grpc::ClientContext context;
    return (stub.get()->*method)(&context, request, &response);
  }

  // A call that must go well.
  template <typename Stub, typename Request, typename Response>
  static Response Do(const std::unique_ptr<Stub>& stub,
                     grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                     const Request& request) {
    Response response;
    const grpc::Status status = Try(stub, method, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message() << "\n" << request.DebugString();
    return response;
  }

  std::string NewUuid() { return database_.Execute("SELECT gen_random_uuid()")[0][0].c_str(); }

  // The steps of the day, in order.
  void RegisterTheFleet();
  void RegisterThePeople();
  void StoreTheDaysBefore();
  void FetchYesterdayWithACrash();
  void CheckCompletenessAndFetchAgain();
  void CompareSummaries();
  void BroadcastWithACrash();
  void CompareMonthReport();
  void WorkOffTasks();

  v1::BeginJobRunResponse Begin(const char* job, const std::string& holder,
                                const std::string& token) {
    v1::BeginJobRunRequest request;
    request.set_job(job);
    request.set_key(kKey);
    request.set_holder(holder);
    request.set_lease_ms(kLeaseMs);
    request.set_lease_token(token);
    return Do(jobs_, &v1::JobRepository::Stub::BeginJobRun, request);
  }
  void Renew(const char* job, const std::string& token) {
    v1::RenewJobRunRequest request;
    request.set_job(job);
    request.set_key(kKey);
    request.set_lease_token(token);
    request.set_lease_ms(kLeaseMs);
    Do(jobs_, &v1::JobRepository::Stub::RenewJobRun, request);
  }
  void Finish(const char* job, const std::string& token) {
    v1::FinishJobRunRequest request;
    request.set_job(job);
    request.set_key(kKey);
    request.set_lease_token(token);
    request.set_outcome(v1::JOB_RUN_STATE_SUCCEEDED);
    Do(jobs_, &v1::JobRepository::Stub::FinishJobRun, request);
  }
  // Asks until the lease of whoever is gone has run out.
  void TakeOver(const char* job, const std::string& holder, const std::string& token) {
    EXPECT_TRUE(Eventually(
        [&] { return Begin(job, holder, token).outcome() == v1::BEGIN_OUTCOME_ACQUIRED; }));
  }

  // Stores a device-day as a scheduler does: its lines, and then how the fetch ended. False if the
  // server did not answer.
  bool FetchDeviceDay(const std::string& device, absl::CivilDay day, v1::RecordCounts& counts);
  bool NoteOutcome(const std::string& device, absl::CivilDay day, v1::FetchState state, int lines);

  v1::SummarizeCollectionsResponse Summarize(absl::CivilDay first, absl::CivilDay last,
                                             std::vector<v1::Grouping> groupings) {
    v1::SummarizeCollectionsRequest request;
    *request.mutable_filter()->mutable_days() = DaysOf(DayOf(first), DayOf(last));
    for (const v1::Grouping grouping : groupings) request.add_group_by(grouping);
    return Do(collections_, &v1::CollectionRepository::Stub::SummarizeCollections, request);
  }

  // Sends a summary to the recipients left, as a bot with this lease does, until `dies` says that
  // the bot is gone. A chat gets its message between the claim and the report.
  void Broadcast(const std::string& token, const std::function<bool(int sent)>& dies);

  std::vector<VendorLine> LinesOf(absl::CivilDay day) const {
    std::vector<VendorLine> lines;
    for (const VendorLine& line : vendor_.all()) {
      if (absl::CivilDay(line.wall_time) == day) lines.push_back(line);
    }
    return lines;
  }

  const ScriptedVendor vendor_;
  // By the number of the collector.
  std::map<int, std::int64_t> worker_ids_;
  std::vector<std::int64_t> recipients_;
  bool server_killed_ = false;
  // How many messages each chat got.
  std::map<std::int64_t, int> messages_;

  std::unique_ptr<v1::WorkerRepository::Stub> workers_;
  std::unique_ptr<v1::MaintenanceRepository::Stub> maintenance_;
  std::unique_ptr<v1::JobRepository::Stub> jobs_;
};

// The server's figures as books.
Books BooksOf(const v1::CollectionSummary& summary);
// The books of all lines together.
Books BooksOf(const std::vector<VendorLine>& lines);

}  // namespace aquifer::testing
