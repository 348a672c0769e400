// A transaction of many writes as a caller sees it.
#include <string>

#include "aquifer/v1/transaction.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer::testing {
namespace {

class TransactionEndToEndTest : public EndToEndTest {
 protected:
  grpc::Status Execute(const v1::ExecuteRequest& request, v1::ExecuteResponse& response) {
    grpc::ClientContext context;
    return v1::TransactionService::NewStub(channel_)->Execute(&context, request, &response);
  }

  // Ten writes: nine lines, and a correction of the line with this id, or of the last one stored
  // where it is 0.
  static v1::ExecuteRequest TenWrites(std::int64_t corrected) {
    v1::ExecuteRequest request;
    for (int second = 0; second < 9; ++second) {
      *request.add_writes()->mutable_record_collection()->mutable_line() =
          MakeLine("164", second, 100);
    }
    v1::Write& last = *request.add_writes();
    last.mutable_correct_collection()->set_id(corrected);
    last.mutable_correct_collection()->set_version(1);
    last.mutable_correct_collection()->set_coins_minor(5);
    last.mutable_correct_collection()->set_reason("test");
    if (corrected == 0) {
      v1::IdReference& reference = *last.add_references();
      reference.set_field("id");
      reference.set_write(8);
    }
    return request;
  }
};

TEST_F(TransactionEndToEndTest, AFailingTenthWriteLeavesNothingBehindAndIsNamed) {
  v1::ExecuteResponse response;

  const grpc::Status status = Execute(TenWrites(987654), response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->reason(), "COLLECTION_NOT_FOUND");
  EXPECT_EQ(info->metadata().at("write_index"), "9");
  EXPECT_EQ(database_.Execute("SELECT id FROM aquifer.collections").size(), 0u);
}

TEST_F(TransactionEndToEndTest, TenWritesAnswerInOrderAndTheLastUsesAnEarlierId) {
  v1::ExecuteResponse response;

  const grpc::Status status = Execute(TenWrites(0), response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.results_size(), 10);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(response.results(i).record_collection().collection().collected_at().seconds() % 10,
              i);
  }
  EXPECT_EQ(response.results(9).correct_collection().collection().id(),
            response.results(8).record_collection().collection().id());
  EXPECT_EQ(database_.Execute("SELECT id FROM aquifer.collections").size(), 9u);
}

TEST_F(TransactionEndToEndTest, RepeatWithItsRequestIdGetsTheFirstAnswer) {
  v1::ExecuteRequest request = TenWrites(0);
  request.set_request_id("0e2b4c6a-8d9f-4a1b-b3c5-d7e9f1a3b5c7");
  v1::ExecuteResponse first;
  v1::ExecuteResponse again;
  ASSERT_TRUE(Execute(request, first).ok());

  const grpc::Status status = Execute(request, again);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(database_.Execute("SELECT max(version) FROM aquifer.collections")[0][0].as<int>(), 2);
}

TEST_F(TransactionEndToEndTest, FieldsOfWritesAreNamedWithTheirPath) {
  v1::ExecuteRequest request = TenWrites(1);
  request.mutable_writes(3)->mutable_record_collection()->mutable_line()->clear_device_id();
  v1::ExecuteResponse response;

  const grpc::Status status = Execute(request, response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto bad = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad);
  ASSERT_EQ(bad->field_violations_size(), 1);
  EXPECT_EQ(bad->field_violations(0).field(), "writes[3].record_collection.line.device_id");
}

}  // namespace
}  // namespace aquifer::testing
