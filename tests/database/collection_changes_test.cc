// Correcting a line.
#include <gtest/gtest.h>

#include <string>

#include "repositories/errors.h"
#include "tests/testing/collections_test.h"

namespace aquifer {
namespace {

using testing::LineAt;

class CollectionChangesTest : public testing::CollectionsTest {
 protected:
  CollectionChangesTest() {
    const auto recorded =
        Record(LineAt("2026-03-28 14:05:09").Notes(15200).Coins(300).Collector("raw"));
    request_.set_id(recorded->collection().id());
    request_.set_version(1);
    request_.set_reason("counted again");
    request_.set_actor("olena");
  }

  absl::StatusOr<v1::CorrectCollectionResponse> Correct() {
    return Call(&CollectionRepository::CorrectCollection, request_);
  }

  v1::CorrectCollectionRequest request_;
};

TEST_F(CollectionChangesTest, LowersOneAmountAndLeavesTheRest) {
  request_.set_banknotes_minor(15000);

  const auto answer = Correct();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().banknotes_minor(), 15000);
  EXPECT_EQ(answer->collection().coins_minor(), 300);
  EXPECT_EQ(answer->collection().total_minor(), 15300);
  EXPECT_EQ(answer->collection().collector().text(), "raw");
  EXPECT_EQ(answer->collection().version(), 2);
}

TEST_F(CollectionChangesTest, SetsZeroAndTheEmptyText) {
  request_.set_coins_minor(0);
  request_.set_collector("");

  const auto answer = Correct();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().coins_minor(), 0);
  EXPECT_EQ(answer->collection().collector().text(), "");
}

TEST_F(CollectionChangesTest, KeepsWhatWasInTheAuditTrail) {
  request_.set_banknotes_minor(15000);

  ASSERT_TRUE(Correct().ok());

  EXPECT_EQ(Value("SELECT concat_ws(' ', collection_id, action, reason, actor, "
                  "before->>'banknotes', before->>'coins', before->>'collector', "
                  "before->>'version') FROM aquifer.collection_audit"),
            std::to_string(request_.id()) + " correct counted again olena 152.00 3.00 raw 1");
}

TEST_F(CollectionChangesTest, AStaleVersionIsRefusedWithBothVersionsAndChangesNothing) {
  request_.set_banknotes_minor(15000);
  ASSERT_TRUE(Correct().ok());
  request_.set_banknotes_minor(1);

  const auto answer = Correct();

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(answer.status()), "STALE_VERSION");
  EXPECT_EQ(answer.status().message(),
            "collection " + std::to_string(request_.id()) + " has version 2, not 1");
  EXPECT_EQ(Value("SELECT banknotes FROM aquifer.collections"), "150.00");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collection_audit"), "1");
}

TEST_F(CollectionChangesTest, AnUnknownLineIsNotFound) {
  request_.set_id(987654);
  request_.set_coins_minor(1);

  const auto answer = Correct();

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(answer.status()), "COLLECTION_NOT_FOUND");
}

TEST_F(CollectionChangesTest, ACorrectionOfNothingIsRefused) {
  const auto answer = Correct();

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Value("SELECT version FROM aquifer.collections"), "1");
}

TEST_F(CollectionChangesTest, NoErrorHoldsTheReasonTheActorOrTheText) {
  request_.set_version(9);
  request_.set_collector("secret");

  const std::string text = Correct().status().ToString();

  for (const char* secret : {"secret", "raw", "counted again", "olena"}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace aquifer
