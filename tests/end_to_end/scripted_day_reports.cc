// What a scripted day reports: summaries, the broadcast to the recipients, the month.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/end_to_end/scripted_day.h"

namespace aquifer::testing {
namespace {

using ::testing::ElementsAreArray;
using ::testing::SizeIs;

}  // namespace

Books BooksOf(const v1::CollectionSummary& summary) {
  EXPECT_EQ(summary.total_minor(), summary.banknotes_minor() + summary.coins_minor());
  return {.lines = summary.lines(),
          .visits = summary.visits(),
          .notes = summary.banknotes_minor(),
          .coins = summary.coins_minor()};
}

Books BooksOf(const std::vector<VendorLine>& lines) {
  return BooksBy<int>(lines, [](const VendorLine&) { return 0; })[0];
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

}  // namespace aquifer::testing
