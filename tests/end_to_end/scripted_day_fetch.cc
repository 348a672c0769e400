// The fetch of a scripted day: the fleet, the days before, 08:00 and 13:00.
#include <gmock/gmock.h>

#include <algorithm>
#include <thread>
#include <tuple>

#include "tests/end_to_end/scripted_day.h"

namespace aquifer::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// The device-days of the last day whose first fetch does not go well.
constexpr char kFailing[] = "187";
constexpr char kForgotten[] = "197";

}  // namespace

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

}  // namespace aquifer::testing
