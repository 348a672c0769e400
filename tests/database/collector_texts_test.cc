// Raw collector texts and the workers they mean.
#include <gtest/gtest.h>

#include <string>

#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using testing::LineAt;

// "Іван" in UTF-8, read as Windows-1251 and stored again: what the vendor really sends.
constexpr char kMojibake[] = "Р†РІР°РЅ";

class CollectorTextsTest : public testing::CollectionsTest {
 protected:
  CollectorTextsTest() {
    database_.Execute("INSERT INTO aquifer.workers (name) VALUES ('Ivan'), ('Olena')");
    EXPECT_TRUE(RecordAll({LineAt("2026-03-01 10:00:00").Notes(1).Collector(kMojibake),
                           LineAt("2026-03-02 10:00:00").Notes(1).Collector(kMojibake),
                           LineAt("2026-03-03 10:00:00").Notes(1).Collector("Vanya"),
                           LineAt("2026-03-04 10:00:00").Notes(1).Collector("Іван"),
                           LineAt("2026-03-05 10:00:00").Notes(1)})
                    .ok());
  }

  absl::StatusOr<v1::SetCollectorAliasResponse> Set(const std::string& text, std::int64_t worker) {
    v1::SetCollectorAliasRequest request;
    request.set_text(text);
    request.set_worker_id(worker);
    return Call(&CollectionRepository::SetCollectorAlias, request);
  }

  absl::StatusOr<v1::DeleteCollectorAliasResponse> Delete(const std::string& text) {
    v1::DeleteCollectorAliasRequest request;
    request.set_text(text);
    return Call(&CollectionRepository::DeleteCollectorAlias, request);
  }

  v1::ListCollectorTextsResponse List(const v1::ListCollectorTextsRequest& request) {
    const auto answer = Call(&CollectionRepository::ListCollectorTexts, request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::ListCollectorTextsResponse();
  }

  static void SetDays(int first, int last, v1::ListCollectorTextsRequest& request) {
    *request.mutable_days() = DaysOf(DayOf(2026, 3, first), DayOf(2026, 3, last));
  }

  static std::string TextsOf(const v1::ListCollectorTextsResponse& response) {
    std::string text;
    for (const auto& each : response.texts()) {
      text += each.collector().text() + ':' + std::to_string(each.lines()) + ' ';
    }
    return text;
  }
};

TEST_F(CollectorTextsTest, ListsTheTextsInTheOrderOfTheirBytesWithCountsAndTimes) {
  const auto answer = List({});

  EXPECT_EQ(TextsOf(answer), std::string("Vanya:1 Іван:1 ") + kMojibake + ":2 ");
  const auto& last = answer.texts(2);
  EXPECT_EQ(google::protobuf::util::TimeUtil::ToString(last.first_at()), "2026-03-01T08:00:00Z");
  EXPECT_EQ(google::protobuf::util::TimeUtil::ToString(last.last_at()), "2026-03-02T08:00:00Z");
  EXPECT_EQ(last.collector().worker_id(), 0);
}

TEST_F(CollectorTextsTest, PagesHoldEveryTextOnce) {
  v1::ListCollectorTextsRequest request;
  request.set_page_size(1);
  std::string all;
  int pages = 0;
  do {
    const auto answer = List(request);
    all += TextsOf(answer);
    request.set_page_token(answer.next_page_token());
    ++pages;
  } while (!request.page_token().empty() && pages < 10);

  EXPECT_EQ(pages, 3);
  EXPECT_EQ(all, TextsOf(List({})));
}

TEST_F(CollectorTextsTest, APageTokenOfAnotherFilterIsRefused) {
  v1::ListCollectorTextsRequest request;
  request.set_page_size(1);
  request.set_page_token(List(request).next_page_token());
  request.set_unmapped_only(true);

  const auto answer = Call(&CollectionRepository::ListCollectorTexts, request);

  EXPECT_EQ(ReasonOf(answer.status()), "PAGE_TOKEN_MISMATCH");
}

TEST_F(CollectorTextsTest, ATokenOfTheLongestTextIsWithinItsOwnLimit) {
  std::string longest;
  for (int i = 0; i < 256; ++i) longest += "🚰";
  ASSERT_TRUE(RecordAll({LineAt("2026-03-06 10:00:00").Notes(1).Collector(longest),
                         LineAt("2026-03-06 10:00:01").Notes(1).Collector("🚱")})
                  .ok());
  v1::ListCollectorTextsRequest request;
  request.set_page_size(4);

  const std::string token = List(request).next_page_token();

  EXPECT_GT(token.size(), 1024u);
  request.set_page_token(token);
  EXPECT_TRUE(CheckFieldRules(request).empty());
  EXPECT_EQ(TextsOf(List(request)), "🚱:1 ");
}

TEST_F(CollectorTextsTest, ListsOnlyTextsWithLinesOnTheDaysAskedFor) {
  v1::ListCollectorTextsRequest request;
  SetDays(2, 3, request);

  EXPECT_EQ(TextsOf(List(request)), std::string("Vanya:1 ") + kMojibake + ":1 ");
}

TEST_F(CollectorTextsTest, ListsOnlyUnmappedTextsWhereAsked) {
  ASSERT_TRUE(Set("Vanya", 1).ok());
  v1::ListCollectorTextsRequest request;
  request.set_unmapped_only(true);
  request.set_page_size(1);

  const auto first = List(request);
  request.set_page_token(first.next_page_token());

  EXPECT_EQ(TextsOf(first), "Іван:1 ");
  EXPECT_EQ(TextsOf(List(request)), std::string(kMojibake) + ":2 ");
}

TEST_F(CollectorTextsTest, SettingAnAliasTellsWhatItDidAndCovers) {
  const auto inserted = Set(kMojibake, 1);
  const auto unchanged = Set(kMojibake, 1);
  const auto updated = Set(kMojibake, 2);
  const auto unseen = Set("not yet seen", 2);

  ASSERT_TRUE(inserted.ok() && unchanged.ok() && updated.ok() && unseen.ok());
  EXPECT_EQ(inserted->outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(inserted->lines(), 2);
  EXPECT_EQ(inserted->collector().worker_name(), "Ivan");
  EXPECT_EQ(unchanged->outcome(), v1::RECORD_OUTCOME_UNCHANGED);
  EXPECT_EQ(updated->outcome(), v1::RECORD_OUTCOME_UPDATED);
  EXPECT_EQ(updated->collector().worker_name(), "Olena");
  EXPECT_EQ(unseen->lines(), 0);
}

TEST_F(CollectorTextsTest, AnUnknownWorkerIsNotFound) {
  const auto answer = Set("Vanya", 3);

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(answer.status()), "WORKER_NOT_FOUND");
}

TEST_F(CollectorTextsTest, DeletingAnAliasThatIsNotThereIsNotFoundAndKeepsTheTextToItself) {
  const auto answer = Delete("Vanya");

  EXPECT_EQ(ReasonOf(answer.status()), "COLLECTOR_ALIAS_NOT_FOUND");
  EXPECT_EQ(answer.status().ToString().find("Vanya"), std::string::npos);
}

class DomainRule6AliasTest : public CollectorTextsTest {};

TEST_F(DomainRule6AliasTest, AnAliasCoversPastAndFutureLinesAndRewritesNone) {
  const std::string before = Value("SELECT string_agg(xmin::text, ',') FROM aquifer.collections");

  ASSERT_TRUE(Set(kMojibake, 1).ok());
  const auto past = Record(LineAt("2026-03-01 10:00:00").Notes(1).Collector(kMojibake));
  const auto later = Record(LineAt("2026-04-01 10:00:00").Notes(1).Collector(kMojibake));

  ASSERT_TRUE(past.ok() && later.ok());
  EXPECT_EQ(past->collection().collector().worker_name(), "Ivan");
  EXPECT_EQ(later->collection().collector().worker_name(), "Ivan");
  EXPECT_EQ(Value("SELECT string_agg(xmin::text, ',') FROM aquifer.collections "
                  "WHERE collected_at < '2026-03-31'"),
            before);
}

TEST_F(DomainRule6AliasTest, MojibakeIsKeptByteForByte) {
  // A replacement character, a soft hyphen, a combining accent, two forms of one letter.
  const std::string text =
      "Р†\xEF\xBF\xBD\xC2\xAD"
      "e\xCC\x81\xC3\xA9 ";

  const auto answer = Record(LineAt("2026-04-01 10:00:00").Notes(1).Collector(text));

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().collector().text(), text);
  EXPECT_EQ(Set(text, 1)->lines(), 1);
}

TEST_F(DomainRule6AliasTest, SeveralTextsAreOneWorkerAndADeletedAliasLetsTheTextGo) {
  ASSERT_TRUE(Set(kMojibake, 1).ok() && Set("Vanya", 1).ok() && Set("Іван", 1).ok());
  const auto mapped = List({});

  ASSERT_TRUE(Delete("Vanya").ok());

  for (const auto& text : mapped.texts()) EXPECT_EQ(text.collector().worker_id(), 1);
  EXPECT_EQ(List({}).texts(0).collector().worker_id(), 0);
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections WHERE collector = 'Vanya'"), "1");
}

}  // namespace
}  // namespace aquifer
