#include "repositories/errors.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "repositories/retry_advice.h"

namespace aquifer {
namespace {

TEST(ErrorsTest, CatalogueStandsInTheOrderOfReasons) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < ErrorCatalogue().size(); ++i) {
    const ErrorEntry& entry = ErrorCatalogue()[i];
    EXPECT_EQ(static_cast<std::size_t>(entry.reason), i) << entry.name;
    EXPECT_TRUE(names.insert(std::string(entry.name)).second) << entry.name;
    EXPECT_FALSE(entry.cause.empty()) << entry.name;
    EXPECT_FALSE(entry.remedy.empty()) << entry.name;
    EXPECT_NE(entry.code, absl::StatusCode::kOk) << entry.name;
  }
  EXPECT_EQ(EntryOf(Reason::kInternal).reason, Reason::kInternal);
}

TEST(ErrorsTest, ErrorCarriesReasonRemedyAndMetadata) {
  const absl::Status status = CollectionNotFound(42);

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "collection 42 not found");
  EXPECT_EQ(ReasonOf(status), "COLLECTION_NOT_FOUND");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo"))));
  EXPECT_EQ(info.domain(), "aquifer");
  EXPECT_EQ(info.metadata().at("id"), "42");
  EXPECT_FALSE(info.metadata().at("remedy").empty());
}

TEST(ErrorsTest, PlainStatusHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
  EXPECT_EQ(ReasonOf(absl::InternalError("bare")), "");
}

TEST(ErrorsTest, InvalidFieldsNamesEachField) {
  const absl::Status status = InvalidFields({{"line.when", "is required"}, {"page_size", "no"}});

  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  ASSERT_EQ(details.field_violations_size(), 2);
  EXPECT_EQ(details.field_violations(1).field(), "page_size");
  EXPECT_EQ(status.message(), "line.when is required; page_size no");
}

TEST(ErrorsTest, InvalidFieldsNamesTheFirstTwentyAndCountsTheRest) {
  const std::vector<FieldViolation> violations(1000, {"filter.device_ids[999]", "is too long"});

  const absl::Status status = InvalidFields(violations);

  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  EXPECT_EQ(details.field_violations_size(), 20);
  EXPECT_EQ(status.message().substr(0, 25), "980 more fields are bad b");
}

TEST(ErrorsTest, AnErrorOfAWriteKeepsWhatItIsAndSaysWhichWrite) {
  const absl::Status fields =
      ErrorOfWrite(InvalidFields({{"id", "is required"}}), 3, "writes[3].x.");
  const absl::Status missing = ErrorOfWrite(CollectionNotFound(42), 9);

  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(
      std::string(*fields.GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  EXPECT_EQ(details.field_violations(0).field(), "writes[3].x.id");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(*missing.GetPayload("type.googleapis.com/google.rpc.ErrorInfo"))));
  EXPECT_EQ(info.reason(), "COLLECTION_NOT_FOUND");
  EXPECT_EQ(info.metadata().at("id"), "42");
  EXPECT_EQ(info.metadata().at("write_index"), "9");
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "write 9: collection 42 not found");
  EXPECT_TRUE(ErrorOfWrite(absl::OkStatus(), 1).ok());
}

TEST(ErrorsTest, AdviceComesWhereARetryIsSafeAndNobodyGaveAny) {
  absl::Status safe = MakeError(Reason::kPoolExhausted, "none free");
  absl::Status advised = MakeError(Reason::kQueueFull, "full");
  SetRetryDelay(advised, absl::Seconds(3));
  absl::Status hopeless = MakeError(Reason::kStaleVersion, "stale");
  absl::Status bare = absl::UnavailableError("bare");

  for (absl::Status* status : {&safe, &advised, &hopeless, &bare}) {
    AdviseRetry(*status, absl::Milliseconds(100));
  }

  EXPECT_EQ(RetryDelayOf(safe), absl::Milliseconds(100));
  EXPECT_EQ(RetryDelayOf(advised), absl::Seconds(3));
  EXPECT_EQ(RetryDelayOf(hopeless), std::nullopt);
  EXPECT_EQ(RetryDelayOf(bare), std::nullopt);
}

TEST(ErrorsTest, RetryDelayKeepsItsParts) {
  absl::Status status = MakeError(Reason::kQueueFull, "full");
  SetRetryDelay(status, absl::Milliseconds(2250));

  google::rpc::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.RetryInfo"))));
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 250000000);
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(2250));
  EXPECT_EQ(RetryDelayOf(absl::InternalError("bare")), std::nullopt);
}

}  // namespace
}  // namespace aquifer
