// Domain rule 6 with workers as they live: registered, renamed, deleted, brought back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/workers_test.h"

namespace aquifer {
namespace {

using testing::LineAt;

// "Іван" in Windows-1251, taken for UTF-8 and written again.
constexpr char kMojibake[] = "Р†РІР°РЅ";

class DomainRule6WorkerTest : public testing::WorkersTest {
 protected:
  DomainRule6WorkerTest() {
    EXPECT_TRUE(RecordAll({LineAt("2026-03-01 10:00:00").Notes(100).Collector(kMojibake),
                           LineAt("2026-03-02 10:00:00").Notes(200).Collector("Vanya"),
                           LineAt("2026-03-03 10:00:00").Notes(400).Collector("Olena")})
                    .ok());
  }

  static v1::SetCollectorAliasRequest Mapping(const std::string& text, std::int64_t worker_id) {
    v1::SetCollectorAliasRequest request;
    request.set_text(text);
    request.set_worker_id(worker_id);
    return request;
  }

  std::int64_t Map(const std::string& text, std::int64_t worker_id) {
    const auto answer = Call(&CollectionRepository::SetCollectorAlias, Mapping(text, worker_id));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->lines() : -1;
  }

  // The name and the total of each collector.
  std::string Summary() {
    v1::SummarizeCollectionsRequest request;
    request.add_group_by(v1::GROUPING_COLLECTOR);
    const auto answer = Call(&CollectionRepository::SummarizeCollections, request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::string shown;
    for (const auto& group : answer->groups()) {
      const v1::Collector& collector = group.collector();
      shown += (collector.worker_id() == 0 ? collector.text() : collector.worker_name()) + ' ' +
               std::to_string(group.total_minor()) + ", ";
    }
    return shown;
  }

  std::string UnmappedTexts() {
    v1::ListCollectorTextsRequest request;
    request.set_unmapped_only(true);
    std::string shown;
    const auto answer = Call(&CollectionRepository::ListCollectorTexts, request);
    for (const auto& text : answer->texts()) shown += text.collector().text() + ' ';
    return shown;
  }
};

TEST_F(DomainRule6WorkerTest, AllTextsOfAWorkerAreOneCollectorPastLinesIncluded) {
  const std::int64_t ivan = Register(7, "Іван").worker().id();
  EXPECT_EQ(UnmappedTexts(), std::string("Olena Vanya ") + kMojibake + ' ');

  EXPECT_EQ(Map(kMojibake, ivan), 1);
  EXPECT_EQ(Map("Vanya", ivan), 1);

  EXPECT_EQ(UnmappedTexts(), "Olena ");
  EXPECT_EQ(Summary(), "Іван 300, Olena 400, ");
  v1::ListCollectionsRequest of_ivan;
  of_ivan.mutable_filter()->add_worker_ids(ivan);
  const auto lines = Call(&CollectionRepository::ListCollections, of_ivan);
  ASSERT_EQ(lines->collections_size(), 2);
  EXPECT_EQ(lines->collections(1).collector().text(), kMojibake) << "kept as it came";
}

TEST_F(DomainRule6WorkerTest, PastLinesFollowInTheTransactionOfTheMapping) {
  const std::int64_t ivan = Create("Іван").id();
  v1::ListCollectionsRequest of_ivan;
  of_ivan.mutable_filter()->add_worker_ids(ivan);

  const auto refused = InTransaction([&](Session& session) -> absl::Status {
    CollectionRepository collections(session);
    EXPECT_TRUE(collections.SetCollectorAlias(Mapping("Vanya", ivan)).ok());
    EXPECT_EQ(collections.ListCollections(of_ivan)->collections_size(), 1);
    return absl::AbortedError("roll back");
  });

  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(Call(&CollectionRepository::ListCollections, of_ivan)->collections_size(), 0);
}

TEST_F(DomainRule6WorkerTest, ANewNameIsThatOfPastLinesToo) {
  const v1::Worker ivan = Create("Іван");
  Map("Vanya", ivan.id());
  v1::WorkerFields fields;
  fields.set_name("Іван Ґудзь");

  ASSERT_TRUE(Update(ivan, fields, {"name"}).ok());

  EXPECT_EQ(Summary(), std::string("Іван Ґудзь 200, Olena 400, ") + kMojibake + " 100, ");
}

TEST_F(DomainRule6WorkerTest, ADeletedWorkerKeepsPastLinesAndMayBeGivenMore) {
  const v1::Worker ivan = Register(7, "Іван").worker();
  Map("Vanya", ivan.id());
  ASSERT_TRUE(Delete(ivan).ok());

  EXPECT_EQ(Map(kMojibake, ivan.id()), 1);

  EXPECT_EQ(Summary(), "Іван 300, Olena 400, ");
  EXPECT_EQ(Register(7, "Іван").worker().id(), ivan.id());
  EXPECT_EQ(Summary(), "Іван 300, Olena 400, ");
}

TEST_F(DomainRule6WorkerTest, AWorkerIsRemovedOnlyWhenNoTextIsLeft) {
  const v1::Worker ivan = Create("Іван");
  Map("Vanya", ivan.id());
  EXPECT_EQ(ReasonOf(Delete(ivan, v1::DELETION_MODE_HARD).status()), "WORKER_HAS_HISTORY");
  v1::DeleteCollectorAliasRequest request;
  request.set_text("Vanya");
  ASSERT_TRUE(Call(&CollectionRepository::DeleteCollectorAlias, request).ok());

  EXPECT_TRUE(Delete(ivan, v1::DELETION_MODE_HARD).ok());
}

}  // namespace
}  // namespace aquifer
