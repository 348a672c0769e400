// A day of the original bot, from the fetch at 08:00 to the tasks of the afternoon, over a socket
// and with crashes in between. What the server's books say in the end is what the script says.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>
#include <thread>
#include <tuple>

#include "aquifer/v1/job.grpc.pb.h"
#include "aquifer/v1/maintenance.grpc.pb.h"
#include "aquifer/v1/worker.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/end_to_end/scripted_vendor.h"
#include "tests/testing/eventually.h"
#include "tests/testing/times.h"

namespace aquifer::testing {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFetchJob[] = "daily-fetch";
constexpr char kBroadcastJob[] = "daily-summary";
constexpr char kKey[] = "2026-03-29";
// Short, for the test waits until it runs out; long against the pauses between renewals.
constexpr std::int64_t kLeaseMs = 3000;
constexpr int kRecipients = 7;

// The device-days of the last day whose first fetch does not go well.
constexpr char kFailing[] = "187";
constexpr char kForgotten[] = "197";

v1::FetchState StateOf(const std::vector<VendorLine>& lines) {
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

Books BooksOf(const v1::CollectionSummary& summary) {
  EXPECT_EQ(summary.total_minor(), summary.banknotes_minor() + summary.coins_minor());
  return {.lines = summary.lines(),
          .visits = summary.visits(),
          .notes = summary.banknotes_minor(),
          .coins = summary.coins_minor()};
}

// The books of all lines together.
Books BooksOf(const std::vector<VendorLine>& lines) {
  return BooksBy<int>(lines, [](const VendorLine&) { return 0; })[0];
}

void ScriptedDayTest::RegisterTheFleet() {
  v1::UpsertMachinesRequest request;
  for (const std::string& device : vendor_.devices()) {
    auto* machine = request.add_machines();
    machine->set_device_id(device);
    machine->mutable_details()->set_name("machine " + device);
  }
  ASSERT_EQ(request.machines_size(), 149);

  const auto first = Do(maintenance_, &v1::MaintenanceRepository::Stub::UpsertMachines, request);
  const auto again = Do(maintenance_, &v1::MaintenanceRepository::Stub::UpsertMachines, request);

  EXPECT_EQ(first.counts().inserted(), 149);
  EXPECT_EQ(again.counts().unchanged(), 149);
}

void ScriptedDayTest::RegisterThePeople() {
  for (int i = 0; i < kRecipients; ++i) {
    v1::RegisterWorkerRequest request;
    request.set_chat_id(5000000000 + i);
    request.mutable_worker()->set_name(absl::StrCat("worker ", i));
    request.mutable_worker()->set_receives_summaries(true);
    const auto registered = Do(workers_, &v1::WorkerRepository::Stub::RegisterWorker, request);
    EXPECT_TRUE(registered.created());
    EXPECT_FALSE(Do(workers_, &v1::WorkerRepository::Stub::RegisterWorker, request).created());
    worker_ids_[i] = registered.worker().id();
  }
  for (const auto& [text, number] : vendor_.collectors()) {
    v1::SetCollectorAliasRequest request;
    request.set_text(text);
    request.set_worker_id(worker_ids_[number]);
    Do(collections_, &v1::CollectionRepository::Stub::SetCollectorAlias, request);
  }
}

// The first 29 days, which were fetched when they were due.
void ScriptedDayTest::StoreTheDaysBefore() {
  for (absl::CivilDay day = vendor_.first_day(); day < vendor_.last_day(); ++day) {
    v1::RecordCollectionsRequest lines;
    v1::RecordFetchOutcomesRequest outcomes;
    for (const std::string& device : vendor_.devices()) {
      const auto fetched = vendor_.Fetch(device, day);
      for (const VendorLine& line : fetched) *lines.add_lines() = ToMessage(line);
      auto* outcome = outcomes.add_outcomes();
      outcome->set_device_id(device);
      *outcome->mutable_day() = DayOf(day);
      outcome->set_state(StateOf(fetched));
      outcome->set_lines(static_cast<int>(fetched.size()));
    }
    const auto stored = Do(collections_, &v1::CollectionRepository::Stub::RecordCollections, lines);
    EXPECT_EQ(stored.counts().inserted(), lines.lines_size());
    Do(collections_, &v1::CollectionRepository::Stub::RecordFetchOutcomes, outcomes);
  }
}

bool ScriptedDayTest::FetchDeviceDay(const std::string& device, absl::CivilDay day,
                                     v1::RecordCounts& counts) {
  const auto fetched = vendor_.Fetch(device, day);
  // Line by line, as the vendor shows them: the coins come after the notes.
  for (const VendorLine& line : fetched) {
    v1::RecordCollectionRequest request;
    *request.mutable_line() = ToMessage(line);
    v1::RecordCollectionResponse response;
    if (!Try(collections_, &v1::CollectionRepository::Stub::RecordCollection, request, response)
             .ok()) {
      return false;
    }
    if (response.outcome() == v1::RECORD_OUTCOME_INSERTED) {
      counts.set_inserted(counts.inserted() + 1);
    } else if (response.outcome() == v1::RECORD_OUTCOME_UNCHANGED) {
      counts.set_unchanged(counts.unchanged() + 1);
    }
  }
  return NoteOutcome(device, day, StateOf(fetched), static_cast<int>(fetched.size()));
}

bool ScriptedDayTest::NoteOutcome(const std::string& device, absl::CivilDay day,
                                  v1::FetchState state, int lines) {
  v1::RecordFetchOutcomesRequest request;
  auto* outcome = request.add_outcomes();
  outcome->set_device_id(device);
  *outcome->mutable_day() = DayOf(day);
  outcome->set_state(state);
  outcome->set_lines(lines);
  if (state == v1::FETCH_STATE_FAILED) outcome->set_error("timed out");
  v1::RecordFetchOutcomesResponse response;
  return Try(collections_, &v1::CollectionRepository::Stub::RecordFetchOutcomes, request, response)
      .ok();
}

void ScriptedDayTest::FetchYesterdayWithACrash() {
  // 08:00: two schedulers at once.
  const std::string tokens[] = {NewUuid(), NewUuid()};
  v1::BeginJobRunResponse begun[2];
  std::thread other([&] { begun[1] = Begin(kFetchJob, "scheduler 1", tokens[1]); });
  begun[0] = Begin(kFetchJob, "scheduler 0", tokens[0]);
  other.join();
  const int winner = begun[0].outcome() == v1::BEGIN_OUTCOME_ACQUIRED ? 0 : 1;
  ASSERT_EQ(begun[winner].outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  ASSERT_EQ(begun[1 - winner].outcome(), v1::BEGIN_OUTCOME_HELD);
  EXPECT_EQ(begun[1 - winner].run().holder(), absl::StrCat("scheduler ", winner));

  // The server dies in the middle, and the winner with it.
  v1::RecordCounts before;
  for (std::size_t i = 0; i < vendor_.devices().size(); ++i) {
    if (i % 10 == 0 && i < 70) Renew(kFetchJob, tokens[winner]);
    if (i == 70) Kill();
    const bool answered = FetchDeviceDay(vendor_.devices()[i], vendor_.last_day(), before);
    ASSERT_EQ(answered, i < 70);
    if (!answered) break;
  }
  Start();

  // The other takes over once the lease has run out, and fetches everything again.
  const std::string& token = tokens[1 - winner];
  TakeOver(kFetchJob, absl::StrCat("scheduler ", 1 - winner), token);
  v1::RecordCounts after;
  for (std::size_t i = 0; i < vendor_.devices().size(); ++i) {
    if (i % 10 == 0) Renew(kFetchJob, token);
    const std::string& device = vendor_.devices()[i];
    if (device == kForgotten) continue;
    if (device == kFailing) {
      NoteOutcome(device, vendor_.last_day(), v1::FETCH_STATE_FAILED, 0);
      continue;
    }
    ASSERT_TRUE(FetchDeviceDay(device, vendor_.last_day(), after));
  }
  Finish(kFetchJob, token);

  EXPECT_GT(before.inserted(), 0);
  EXPECT_EQ(before.unchanged(), 0);
  EXPECT_EQ(after.unchanged(), before.inserted());
  EXPECT_EQ(Begin(kFetchJob, "scheduler 0", NewUuid()).outcome(), v1::BEGIN_OUTCOME_ALREADY_DONE);
}

void ScriptedDayTest::CheckCompletenessAndFetchAgain() {
  const auto find = [this](std::vector<v1::FetchState> states) {
    std::vector<std::tuple<absl::CivilDay, std::string, v1::FetchState>> found;
    v1::FindMissingRequest request;
    *request.mutable_days() = DaysOf(DayOf(vendor_.first_day()), DayOf(vendor_.last_day()));
    for (const auto state : states) request.add_states(state);
    request.set_page_size(1000);
    do {
      const auto page = Do(collections_, &v1::CollectionRepository::Stub::FindMissing, request);
      for (const auto& missing : page.missing()) {
        const v1::Day& day = missing.day();
        found.emplace_back(absl::CivilDay(day.year(), day.month(), day.day()), missing.device_id(),
                           missing.state());
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return found;
  };
  const auto expected = [this](bool complete) {
    std::vector<std::tuple<absl::CivilDay, std::string, v1::FetchState>> missing;
    for (absl::CivilDay day = vendor_.first_day(); day <= vendor_.last_day(); ++day) {
      for (const std::string& device : vendor_.devices()) {
        v1::FetchState state = StateOf(vendor_.Fetch(device, day));
        if (!complete && day == vendor_.last_day()) {
          if (device == kFailing) state = v1::FETCH_STATE_FAILED;
          if (device == kForgotten) state = v1::FETCH_STATE_NEVER;
        }
        if (state != v1::FETCH_STATE_OK) missing.emplace_back(day, device, state);
      }
    }
    std::sort(missing.begin(), missing.end());
    return missing;
  };
  EXPECT_EQ(find({}), expected(false));

  // 13:00: what was never fetched or failed is fetched now.
  v1::RecordCounts counts;
  const auto again = find({v1::FETCH_STATE_NEVER, v1::FETCH_STATE_FAILED});
  EXPECT_THAT(again, SizeIs(2));
  for (const auto& [day, device, state] : again) EXPECT_TRUE(FetchDeviceDay(device, day, counts));

  EXPECT_EQ(find({}), expected(true));
  EXPECT_THAT(find({v1::FETCH_STATE_NEVER, v1::FETCH_STATE_FAILED}), IsEmpty());
}

void ScriptedDayTest::CompareSummaries() {
  const absl::CivilDay day = vendor_.last_day();
  const auto lines = LinesOf(day);

  const auto by_collector = Summarize(day, day, {v1::GROUPING_COLLECTOR});
  const auto by_device = Summarize(day, day, {v1::GROUPING_DEVICE});

  std::map<std::int64_t, Books> collectors;
  for (const auto& group : by_collector.groups()) {
    collectors[group.collector().worker_id()] = BooksOf(group);
  }
  EXPECT_EQ(collectors, BooksBy<std::int64_t>(lines, [this](const VendorLine& line) {
              return worker_ids_.at(vendor_.collectors().at(line.collector));
            }));
  std::map<std::string, Books> devices;
  for (const auto& group : by_device.groups()) devices[group.device_id()] = BooksOf(group);
  EXPECT_EQ(devices,
            BooksBy<std::string>(lines, [](const VendorLine& line) { return line.device; }));
  EXPECT_EQ(BooksOf(by_device.total()), BooksOf(lines));
  // The visit across the hour that is left out.
  EXPECT_EQ(devices.at(vendor_.devices()[64]).visits, 1);
}

void ScriptedDayTest::Broadcast(const std::string& token,
                                const std::function<bool(int sent)>& dies) {
  const auto record = [&](std::int64_t chat, v1::DeliveryState state,
                          v1::RecordDeliveryResponse& response) {
    v1::RecordDeliveryRequest request;
    request.set_job(kBroadcastJob);
    request.set_key(kKey);
    request.set_lease_token(token);
    request.set_chat_id(chat);
    request.set_state(state);
    return Try(jobs_, &v1::JobRepository::Stub::RecordDelivery, request, response).ok();
  };
  v1::ListUndeliveredRequest request;
  request.set_job(kBroadcastJob);
  request.set_key(kKey);
  for (const std::int64_t chat : recipients_) request.add_chat_ids(chat);
  const auto left = Do(jobs_, &v1::JobRepository::Stub::ListUndelivered, request);
  int sent = 0;
  for (const auto& recipient : left.recipients()) {
    v1::RecordDeliveryResponse response;
    ASSERT_TRUE(record(recipient.chat_id(), v1::DELIVERY_STATE_CLAIMED, response));
    if (!response.may_send()) continue;
    ++messages_[recipient.chat_id()];
    ++sent;
    if (sent == 2 && !server_killed_) {
      // The chat has its message, and the server dies before it can be told.
      server_killed_ = true;
      Kill();
      EXPECT_FALSE(record(recipient.chat_id(), v1::DELIVERY_STATE_SENT, response));
      Start();
    }
    ASSERT_TRUE(record(recipient.chat_id(), v1::DELIVERY_STATE_SENT, response));
    if (dies(sent)) return;
  }
}

void ScriptedDayTest::BroadcastWithACrash() {
  const auto listed = Do(workers_, &v1::WorkerRepository::Stub::ListSummaryRecipients,
                         v1::ListSummaryRecipientsRequest());
  for (const auto& recipient : listed.recipients()) recipients_.push_back(recipient.chat_id());
  ASSERT_THAT(recipients_, SizeIs(kRecipients));
  const std::string first = NewUuid(), second = NewUuid();

  // The server dies after the second chat, the bot itself after the fourth; another bot goes on.
  ASSERT_EQ(Begin(kBroadcastJob, "bot 1", first).outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  Broadcast(first, [](int sent) { return sent == 4; });
  EXPECT_THAT(messages_, SizeIs(4));
  TakeOver(kBroadcastJob, "bot 2", second);
  Broadcast(second, [](int) { return false; });
  Finish(kBroadcastJob, second);

  std::map<std::int64_t, int> one_each;
  for (const std::int64_t chat : recipients_) one_each[chat] = 1;
  EXPECT_EQ(messages_, one_each);
  EXPECT_EQ(database_.Execute("SELECT chat_id FROM aquifer.deliveries").size(), recipients_.size());
}

void ScriptedDayTest::CompareMonthReport() {
  const absl::CivilDay first(2026, 3, 1), last(2026, 3, 31);
  std::vector<VendorLine> march;
  for (const VendorLine& line : vendor_.all()) {
    if (absl::CivilDay(line.wall_time) >= first) march.push_back(line);
  }

  const auto by_day = Summarize(first, last, {v1::GROUPING_DAY});
  v1::SummarizeCollectionsRequest top;
  *top.mutable_filter()->mutable_days() = DaysOf(DayOf(first), DayOf(last));
  top.add_group_by(v1::GROUPING_DEVICE);
  top.set_order(v1::SUMMARY_ORDER_TOTAL);
  top.set_limit(10);
  const auto best = Do(collections_, &v1::CollectionRepository::Stub::SummarizeCollections, top);

  std::map<absl::CivilDay, Books> days;
  for (const auto& group : by_day.groups()) {
    const v1::Day& day = group.period_start();
    days[absl::CivilDay(day.year(), day.month(), day.day())] = BooksOf(group);
  }
  EXPECT_EQ(days, BooksBy<absl::CivilDay>(march, [](const VendorLine& line) {
              return absl::CivilDay(line.wall_time);
            }));
  EXPECT_EQ(BooksOf(by_day.total()), BooksOf(march));
  std::vector<std::int64_t> totals, expected;
  for (const auto& group : best.groups()) totals.push_back(group.total_minor());
  for (const auto& [device, books] :
       BooksBy<std::string>(march, [](const VendorLine& line) { return line.device; })) {
    expected.push_back(books.total());
  }
  std::sort(expected.rbegin(), expected.rend());
  expected.resize(10);
  EXPECT_THAT(totals, ElementsAreArray(expected));
}

void ScriptedDayTest::WorkOffTasks() {
  using Stub = v1::MaintenanceRepository::Stub;
  v1::CreateTechnicianRequest technician;
  technician.mutable_details()->set_name("technician");
  technician.set_request_id(NewUuid());
  const auto hired = Do(maintenance_, &Stub::CreateTechnician, technician).technician();
  EXPECT_EQ(Do(maintenance_, &Stub::CreateTechnician, technician).technician().id(), hired.id());

  // Three urgent tasks, each created, and created again by a bot that heard no answer.
  std::vector<v1::MaintenanceTask> tasks;
  for (int i = 0; i < 3; ++i) {
    v1::CreateTaskRequest request;
    request.mutable_details()->set_title(absl::StrCat("task ", i));
    request.mutable_details()->set_type(v1::TASK_TYPE_EQUIPMENT_REPAIR);
    request.mutable_details()->set_priority(v1::TASK_PRIORITY_CRITICAL);
    request.mutable_details()->set_device_id(vendor_.devices()[i]);
    request.set_request_id(NewUuid());
    tasks.push_back(Do(maintenance_, &Stub::CreateTask, request).task());
    EXPECT_EQ(Do(maintenance_, &Stub::CreateTask, request).task().id(), tasks.back().id());
  }
  EXPECT_THAT(Do(maintenance_, &Stub::ListAlerts, v1::ListAlertsRequest()).alerts(), SizeIs(3));

  // Two are done.
  for (int i = 0; i < 2; ++i) {
    v1::AssignTaskRequest assign;
    assign.set_id(tasks[i].id());
    assign.set_version(tasks[i].version());
    assign.set_technician_id(hired.id());
    assign.set_request_id(NewUuid());
    const auto assigned = Do(maintenance_, &Stub::AssignTask, assign).task();
    EXPECT_EQ(assigned.technician_id(), hired.id());
    EXPECT_EQ(Do(maintenance_, &Stub::AssignTask, assign).task().version(), assigned.version());
    for (const auto& [from, to] :
         {std::pair(v1::TASK_STATUS_PENDING, v1::TASK_STATUS_IN_PROGRESS),
          std::pair(v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_COMPLETED)}) {
      v1::TransitionTaskRequest move;
      move.set_id(tasks[i].id());
      move.set_status(from);
      move.set_to(to);
      move.set_request_id(NewUuid());
      EXPECT_EQ(Do(maintenance_, &Stub::TransitionTask, move).task().status(), to);
      EXPECT_EQ(Do(maintenance_, &Stub::TransitionTask, move).task().status(), to);
    }
    v1::GetMachineRequest machine;
    machine.set_device_id(vendor_.devices()[i]);
    EXPECT_TRUE(
        Do(maintenance_, &Stub::GetMachine, machine).machine().details().has_last_maintenance_at());
  }

  const auto alerts = Do(maintenance_, &Stub::ListAlerts, v1::ListAlertsRequest());
  ASSERT_THAT(alerts.alerts(), SizeIs(1));
  EXPECT_EQ(alerts.alerts(0).task().id(), tasks[2].id());
  const auto counts = Do(maintenance_, &Stub::CountTasks, v1::CountTasksRequest());
  EXPECT_EQ(counts.tasks(), 3);
  std::map<v1::TaskStatus, std::int64_t> by_status;
  for (const auto& count : counts.by_status()) by_status[count.status()] = count.tasks();
  EXPECT_EQ(by_status[v1::TASK_STATUS_COMPLETED], 2);
  EXPECT_EQ(by_status[v1::TASK_STATUS_PENDING], 1);
}

TEST_F(ScriptedDayTest, FiguresInTheEndAreThoseOfTheScript) {
  const auto whole = BooksOf(vendor_.all());

  ASSERT_NO_FATAL_FAILURE(RegisterTheFleet());
  ASSERT_NO_FATAL_FAILURE(RegisterThePeople());
  ASSERT_NO_FATAL_FAILURE(StoreTheDaysBefore());
  ASSERT_NO_FATAL_FAILURE(FetchYesterdayWithACrash());
  ASSERT_NO_FATAL_FAILURE(CheckCompletenessAndFetchAgain());
  ASSERT_NO_FATAL_FAILURE(CompareSummaries());
  ASSERT_NO_FATAL_FAILURE(BroadcastWithACrash());
  ASSERT_NO_FATAL_FAILURE(CompareMonthReport());
  ASSERT_NO_FATAL_FAILURE(WorkOffTasks());

  EXPECT_EQ(BooksOf(Summarize(vendor_.first_day(), vendor_.last_day(), {}).total()), whole);
  EXPECT_GT(whole.lines, 500);
  const auto stored =
      database_.Execute("SELECT count(*), (sum(total) * 100)::bigint FROM aquifer.collections")[0];
  EXPECT_EQ(stored[0].as<std::int64_t>(), whole.lines);
  EXPECT_EQ(stored[1].as<std::int64_t>(), whole.total());
}

}  // namespace
}  // namespace aquifer::testing
