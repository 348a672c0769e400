// Ranges are checked, and what they allow fits its column, its index and the way back.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "aquifer/v1/options.pb.h"
#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using google::protobuf::FieldDescriptor;
using testing::DayOf;
using testing::DaysOf;
using testing::LineAt;
using testing::OutcomesOf;

constexpr char kAt[] = "2026-03-28 14:05:09";
constexpr std::int64_t kMostMinor = 999999999999;
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();

// `count` characters of four bytes each, no two texts alike that differ in `seed`, and hardly any
// repetition in them: an index compresses what repeats.
std::string WideText(int count, unsigned seed = 1) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    seed = seed * 1664525 + 1013904223;
    const unsigned code = 0x10000 + (seed >> 8) % 0xFFFFF;
    for (const unsigned byte : {0xF0 | code >> 18, 0x80 | (code >> 12 & 0x3F),
                                0x80 | (code >> 6 & 0x3F), 0x80 | (code & 0x3F)}) {
      text += static_cast<char>(byte);
    }
  }
  return text;
}

// The fields a request's rules refuse, such as "line.device_id line.note".
std::string RefusedIn(const google::protobuf::Message& request) {
  std::string fields;
  for (const FieldViolation& violation : CheckFieldRules(request)) {
    absl::StrAppend(&fields, fields.empty() ? "" : " ", violation.field);
  }
  return fields;
}

class DomainRule11RangesTest : public testing::CollectionsTest {
 protected:
  // As the RPC path does: first the rules, then the method.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Checked(
      absl::StatusOr<Response> (CollectionRepository::*method)(const Request&),
      const Request& request) {
    const std::string refused = RefusedIn(request);
    if (!refused.empty()) return absl::InvalidArgumentError(refused);
    return Call(method, request);
  }
};

TEST_F(DomainRule11RangesTest, TheGreatestAmountsAreStoredAndSummedExactly) {
  std::vector<v1::CollectionLine> lines(1000);
  for (int i = 0; i < 1000; ++i) {
    lines[i] =
        LineAt(kAt).Device(absl::StrCat(i)).Notes(kMostMinor).Coins(kMostMinor).Collector("one");
  }
  ASSERT_TRUE(RecordAll(lines).ok());
  const std::int64_t total = 2000 * kMostMinor;

  v1::SummarizeCollectionsRequest by_day;
  by_day.add_group_by(v1::GROUPING_DAY);
  const auto summary = Checked(&CollectionRepository::SummarizeCollections, by_day);
  v1::GetDataAvailabilityRequest day;
  *day.mutable_days() = DaysOf(DayOf(2026, 3, 28), DayOf(2026, 3, 28));
  const auto availability = Checked(&CollectionRepository::GetDataAvailability, day);
  v1::DeleteCollectionsRequest dry_run;
  *dry_run.mutable_filter()->mutable_days() = day.days();
  dry_run.set_dry_run(true);
  dry_run.set_reason("to see");
  const auto counted = Checked(&CollectionRepository::DeleteCollections, dry_run);
  const auto devices =
      Checked(&CollectionRepository::ListCollectionDevices, v1::ListCollectionDevicesRequest());

  ASSERT_TRUE(summary.ok() && availability.ok() && counted.ok() && devices.ok());
  EXPECT_EQ(summary->total().total_minor(), total);
  EXPECT_EQ(summary->groups(0).banknotes_minor(), 1000 * kMostMinor);
  EXPECT_EQ(summary->groups(0).average_line_minor(), 2 * kMostMinor);
  EXPECT_EQ(availability->days(0).total_minor(), total);
  EXPECT_EQ(counted->total_minor(), total);
  EXPECT_EQ(devices->devices(0).total_minor(), 2 * kMostMinor);
}

TEST_F(DomainRule11RangesTest, OneMoreThanTheGreatestAmountIsRefusedByName) {
  const auto answer = RecordAll({LineAt(kAt).Notes(kMostMinor + 1), LineAt(kAt).Coins(kGreatest),
                                 LineAt(kAt).NotesText("10000000000.00"),
                                 LineAt(kAt).CoinsText("99999999999999999999.00"),
                                 LineAt(kAt).Notes(-1).Coins(kLeast)});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "REJECTED REJECTED REJECTED REJECTED REJECTED");
  const auto field = [&](int line, int problem) {
    return answer->results(line).rejection().problems(problem).field();
  };
  EXPECT_EQ(field(0, 0), "lines[0].banknotes_minor");
  EXPECT_EQ(field(1, 0), "lines[1].coins_minor");
  EXPECT_EQ(field(2, 0), "lines[2].banknotes_text");
  EXPECT_EQ(field(3, 0), "lines[3].coins_text");
  EXPECT_EQ(field(4, 0), "lines[4].banknotes_minor");
  EXPECT_EQ(field(4, 1), "lines[4].coins_minor");

  v1::RecordCollectionRequest single;
  *single.mutable_line() = LineAt(kAt).Notes(kMostMinor + 1);
  EXPECT_EQ(RefusedIn(single), "line.banknotes_minor");
  v1::CorrectCollectionRequest correction;
  correction.set_id(1);
  correction.set_version(1);
  correction.set_reason("r");
  correction.set_banknotes_minor(kMostMinor + 1);
  correction.set_coins_minor(-1);
  EXPECT_EQ(RefusedIn(correction), "banknotes_minor coins_minor");
}

TEST_F(DomainRule11RangesTest, ACorrectionTakesTheGreatestAmounts) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(1)).ok());
  v1::CorrectCollectionRequest request;
  request.set_id(1);
  request.set_version(1);
  request.set_banknotes_minor(kMostMinor);
  request.set_coins_minor(kMostMinor);
  request.set_collector(WideText(256));
  request.set_reason(WideText(500));
  request.set_actor(WideText(128));

  const auto answer = Checked(&CollectionRepository::CorrectCollection, request);

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().total_minor(), 2 * kMostMinor);
}

// The texts of a line that are texts in the table as well, with the limits of their rules.
std::vector<std::pair<const FieldDescriptor*, int>> StoredTexts() {
  std::vector<std::pair<const FieldDescriptor*, int>> texts;
  const auto* line = v1::CollectionLine::descriptor();
  for (int i = 0; i < line->field_count(); ++i) {
    const FieldDescriptor* field = line->field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING || field->containing_oneof()) continue;
    texts.emplace_back(field, field->options().GetExtension(v1::rules).max_length());
  }
  return texts;
}

TEST_F(DomainRule11RangesTest, TheLongestTextsOfTheWidestCharactersFitTheirColumnsAndIndexes) {
  v1::CollectionLine line = LineAt(kAt).Notes(kMostMinor).Coins(kMostMinor);
  for (const auto& [field, limit] : StoredTexts()) {
    line.GetReflection()->SetString(&line, field, WideText(limit));
  }
  v1::CollectionLine other = line;
  other.set_device_id(WideText(64, 2));

  const auto single = Record(line);
  const auto batch = RecordAll({other, line});

  ASSERT_TRUE(single.ok()) << single.status();
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(OutcomesOf(*batch), "INSERTED UNCHANGED");
  const v1::Collection& stored = single->collection();
  EXPECT_EQ(stored.device_id(), line.device_id());
  EXPECT_EQ(stored.collector().text(), line.collector());
  EXPECT_EQ(stored.card_id(), line.card_id());
  EXPECT_EQ(stored.note(), line.note());
  EXPECT_EQ(stored.machine(), line.machine());
}

TEST_F(DomainRule11RangesTest, OneCharacterMoreIsRefusedByName) {
  ASSERT_EQ(StoredTexts().size(), 5u);
  for (const auto& [field, limit] : StoredTexts()) {
    v1::RecordCollectionRequest request;
    *request.mutable_line() = LineAt(kAt).Notes(1);
    v1::CollectionLine& line = *request.mutable_line();
    line.GetReflection()->SetString(&line, field, WideText(limit + 1));

    const auto batch = RecordAll({line});

    EXPECT_EQ(RefusedIn(request), "line." + field->name());
    ASSERT_TRUE(batch.ok()) << batch.status();
    ASSERT_EQ(batch->results(0).rejection().problems_size(), 1) << field->name();
    EXPECT_EQ(batch->results(0).rejection().problems(0).field(), "lines[0]." + field->name());
  }
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections"), "0");
}

TEST_F(DomainRule11RangesTest, PagesGoOnAfterTheLongestTexts) {
  std::vector<v1::CollectionLine> lines;
  for (unsigned i = 1; i <= 2; ++i) {
    lines.push_back(LineAt(kAt).Device(WideText(64, i)).Notes(1).Collector(WideText(256, i)));
  }
  ASSERT_TRUE(RecordAll(lines).ok());
  v1::ListCollectionsRequest list;
  v1::ListCollectionDevicesRequest devices;
  v1::ListCollectorTextsRequest texts;
  v1::FindMissingRequest missing;
  *missing.mutable_days() = DaysOf(DayOf(2026, 3, 28), DayOf(2026, 3, 28));

  const auto expect_second_page = [&](auto method, auto request) {
    request.set_page_size(1);
    const auto first = Checked(method, request);
    ASSERT_TRUE(first.ok()) << first.status();
    request.set_page_token(first->next_page_token());
    const auto second = Checked(method, request);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_NE(first->SerializeAsString(), second->SerializeAsString());
    EXPECT_EQ(second->next_page_token(), "");
  };
  expect_second_page(&CollectionRepository::ListCollections, list);
  expect_second_page(&CollectionRepository::ListCollectionDevices, devices);
  expect_second_page(&CollectionRepository::ListCollectorTexts, texts);
  expect_second_page(&CollectionRepository::FindMissing, missing);
}

TEST_F(DomainRule11RangesTest, AnAliasTakesTheLongestText) {
  const std::int64_t worker = testing::InsertWorker(database_, "Olena");
  v1::SetCollectorAliasRequest request;
  request.set_text(WideText(256));
  request.set_worker_id(worker);

  const auto answer = Checked(&CollectionRepository::SetCollectorAlias, request);

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collector().text(), request.text());
}

TEST_F(DomainRule11RangesTest, AFetchOutcomeTakesTheGreatestCountAndTheLongestError) {
  v1::RecordFetchOutcomesRequest request;
  v1::FetchOutcome& ok = *request.add_outcomes();
  ok.set_device_id(WideText(64));
  *ok.mutable_day() = DayOf(9999, 12, 31);
  ok.set_state(v1::FETCH_STATE_OK);
  ok.set_lines(std::numeric_limits<std::int32_t>::max());
  v1::FetchOutcome& failed = *request.add_outcomes();
  failed.set_device_id("1024");
  *failed.mutable_day() = DayOf(1970, 1, 1);
  failed.set_state(v1::FETCH_STATE_FAILED);
  failed.set_error(WideText(500));

  const auto answer = Checked(&CollectionRepository::RecordFetchOutcomes, request);

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->results(0).outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(answer->results(1).outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(Value("SELECT max(lines) FROM aquifer.fetch_outcomes"), "2147483647");
}

TEST_F(DomainRule11RangesTest, PageSizesAndLimitsEndWhereTheyAreSaidTo) {
  std::vector<v1::CollectionLine> lines(1000);
  for (int i = 0; i < 1000; ++i) lines[i] = LineAt(kAt).Device(absl::StrCat(i)).Notes(1);
  ASSERT_TRUE(RecordAll(lines).ok());
  ASSERT_TRUE(Record(LineAt(kAt).Device("one more").Notes(1)).ok());

  const auto expect_thousand_at_most = [&](auto method, auto request, auto size_of) {
    request.set_page_size(1000);
    const auto page = Checked(method, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(size_of(*page), 1000);
    EXPECT_NE(page->next_page_token(), "");
    for (const std::int32_t size : {1001, std::numeric_limits<std::int32_t>::max(), -1,
                                    std::numeric_limits<std::int32_t>::min()}) {
      request.set_page_size(size);
      EXPECT_EQ(RefusedIn(request), "page_size") << size;
    }
  };
  v1::FindMissingRequest missing;
  *missing.mutable_days() = DaysOf(DayOf(2026, 3, 28), DayOf(2026, 3, 28));
  expect_thousand_at_most(&CollectionRepository::ListCollections, v1::ListCollectionsRequest(),
                          [](const auto& page) { return page.collections_size(); });
  expect_thousand_at_most(&CollectionRepository::ListCollectionDevices,
                          v1::ListCollectionDevicesRequest(),
                          [](const auto& page) { return page.devices_size(); });
  expect_thousand_at_most(&CollectionRepository::FindMissing, missing,
                          [](const auto& page) { return page.missing_size(); });

  v1::SummarizeCollectionsRequest summary;
  summary.add_group_by(v1::GROUPING_DEVICE);
  summary.set_limit(10000);
  const auto groups = Checked(&CollectionRepository::SummarizeCollections, summary);
  ASSERT_TRUE(groups.ok()) << groups.status();
  EXPECT_EQ(groups->groups_size(), 1001);
  summary.set_limit(10001);
  EXPECT_EQ(RefusedIn(summary), "limit");
}

TEST_F(DomainRule11RangesTest, TheGreatestIdsVersionsAndTotalsAreOrdinaryNumbers) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(1)).ok());
  v1::GetCollectionRequest get;
  get.set_id(kGreatest);
  v1::CorrectCollectionRequest unknown;
  unknown.set_id(kGreatest);
  unknown.set_version(kGreatest);
  unknown.set_coins_minor(1);
  unknown.set_reason("r");
  v1::CorrectCollectionRequest stale = unknown;
  stale.set_id(1);
  v1::SetCollectorAliasRequest alias;
  alias.set_text("raw");
  alias.set_worker_id(kGreatest);
  v1::ListCollectionsRequest list;
  list.mutable_filter()->set_min_total_minor(0);
  list.mutable_filter()->set_max_total_minor(kGreatest);
  v1::ListCollectionsRequest none;
  none.mutable_filter()->set_min_total_minor(kGreatest);
  none.mutable_filter()->add_worker_ids(kGreatest);

  EXPECT_EQ(ReasonOf(Checked(&CollectionRepository::GetCollection, get).status()),
            "COLLECTION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Checked(&CollectionRepository::CorrectCollection, unknown).status()),
            "COLLECTION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Checked(&CollectionRepository::CorrectCollection, stale).status()),
            "STALE_VERSION");
  EXPECT_EQ(ReasonOf(Checked(&CollectionRepository::SetCollectorAlias, alias).status()),
            "WORKER_NOT_FOUND");
  EXPECT_EQ(Checked(&CollectionRepository::ListCollections, list)->collections_size(), 1);
  EXPECT_EQ(Checked(&CollectionRepository::ListCollections, none)->collections_size(), 0);
}

TEST_F(DomainRule11RangesTest, NumbersBelowTheLeastAreRefusedByName) {
  v1::GetCollectionRequest get;
  get.set_id(kLeast);
  v1::CorrectCollectionRequest correction;
  correction.set_id(kLeast);
  correction.set_version(kLeast);
  correction.set_reason("r");
  v1::DeleteCollectionsRequest deletion;
  deletion.mutable_filter()->add_device_ids("1024");
  deletion.mutable_filter()->add_worker_ids(kLeast);
  deletion.mutable_filter()->set_min_total_minor(kLeast);
  deletion.mutable_filter()->set_max_total_minor(kLeast);
  deletion.set_expected_count(kGreatest);
  deletion.set_reason("r");

  EXPECT_EQ(RefusedIn(get), "id");
  EXPECT_EQ(RefusedIn(correction), "id version");
  EXPECT_EQ(RefusedIn(deletion),
            "filter.worker_ids[0] filter.min_total_minor filter.max_total_minor expected_count");
}

TEST_F(DomainRule11RangesTest, InstantsEndWithTheYearsALineMayHave) {
  const auto at = [](std::int64_t seconds, std::int32_t nanos) {
    v1::CollectionLine line = LineAt("").Notes(1);
    line.mutable_collected_at()->set_seconds(seconds);
    line.mutable_collected_at()->set_nanos(nanos);
    return line;
  };

  const auto answer = RecordAll({at(946684800, 0), at(4102444799, 999999999),
                                 at(946684799, 999999999), at(4102444800, 0), at(kLeast, 0),
                                 at(kGreatest, 0), at(1774699509, -1), at(1774699509, 1000000000)});

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer),
            "INSERTED INSERTED REJECTED REJECTED REJECTED REJECTED REJECTED REJECTED");
  EXPECT_EQ(Value("SELECT extract(epoch FROM max(collected_at)) FROM aquifer.collections"),
            "4102444799.999999");
}

TEST_F(DomainRule11RangesTest, FiltersReachFromTheFirstDayToTheLast) {
  ASSERT_TRUE(Record(LineAt(kAt).Notes(1)).ok());
  v1::ListCollectionsRequest days;
  *days.mutable_filter()->mutable_days() = DaysOf(DayOf(1970, 1, 1), DayOf(9999, 12, 31));
  v1::ListCollectionsRequest instants;
  auto& range = *instants.mutable_filter()->mutable_instants();
  *range.mutable_start() = testing::InstantOf("0001-01-01T00:00:00Z");
  *range.mutable_end() = testing::InstantOf("9999-12-31T23:59:59.999999999Z");
  v1::SummarizeCollectionsRequest summary;
  *summary.mutable_filter() = instants.filter();
  summary.add_group_by(v1::GROUPING_WEEK);

  EXPECT_EQ(Checked(&CollectionRepository::ListCollections, days)->collections_size(), 1);
  EXPECT_EQ(Checked(&CollectionRepository::ListCollections, instants)->collections_size(), 1);
  EXPECT_EQ(Checked(&CollectionRepository::SummarizeCollections, summary)->total().lines(), 1);
}

}  // namespace
}  // namespace aquifer
