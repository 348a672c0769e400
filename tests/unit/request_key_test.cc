// What a method must state to be repeated by its request_id, and how a request says that it may be.
#include "server/rpc/request_key.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aquifer/v1/collection.pb.h"

namespace aquifer {
namespace {

using google::protobuf::FieldDescriptorProto;
using ::testing::EndsWith;
using ::testing::IsEmpty;

constexpr char kId[] = "123e4567-e89b-12d3-a456-426614174000";

TEST(IsRequestIdTest, TakesAUuidInEitherCase) {
  EXPECT_TRUE(IsRequestId(kId));
  EXPECT_TRUE(IsRequestId("123E4567-E89B-12D3-A456-426614174000"));
  EXPECT_TRUE(IsRequestId("ffffffff-ffff-ffff-ffff-ffffffffffff"));
}

TEST(IsRequestIdTest, TakesNothingElse) {
  for (const char* text :
       {"", "123e4567", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
        "123e4567-e89b-12d3-a456-4266141740000", "123e4567-e89b-12d3-a456-42661417400g",
        "{23e4567-e89b-12d3-a456-42661417400}", "123e4567 e89b-12d3-a456-426614174000",
        "00000000-0000-0000-0000-000000000000"}) {
    EXPECT_FALSE(IsRequestId(text)) << text;
  }
}

// A method `Write` of a service made for the test, changed by each to what it is about.
class MethodPolicyTest : public ::testing::Test {
 protected:
  MethodPolicyTest() {
    file_.set_name("test.proto");
    file_.set_package("test");
    file_.set_syntax("proto3");
    file_.add_message_type()->set_name("WriteRequest");
    file_.add_message_type()->set_name("WriteResponse");
    auto* service = file_.add_service();
    service->set_name("Test");
    method_ = service->add_method();
    method_->set_name("Write");
    method_->set_input_type(".test.WriteRequest");
    method_->set_output_type(".test.WriteResponse");
    policy_.set_access(v1::ACCESS_WRITER);
    policy_.set_transaction(v1::TRANSACTION_READ_WRITE);
    policy_.set_idempotence(v1::IDEMPOTENCE_BY_REQUEST_ID);
    policy_.set_priority(v1::PRIORITY_INTERACTIVE);
    policy_.set_default_deadline_ms(1000);
  }

  void AddField(const std::string& name, FieldDescriptorProto::Type type) {
    auto* field = file_.mutable_message_type(0)->add_field();
    field->set_name(name);
    field->set_number(file_.message_type(0).field_size());
    field->set_type(type);
    field->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  }

  absl::Status Check() {
    *method_->mutable_options()->MutableExtension(v1::policy) = policy_;
    google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
    const auto* file = pool.BuildFile(file_);
    google::protobuf::DynamicMessageFactory factory;
    const Method method(*file->service(0)->method(0), *factory.GetPrototype(file->message_type(0)),
                        *factory.GetPrototype(file->message_type(1)), handler_);
    return CheckPolicy(method);
  }

  google::protobuf::FileDescriptorProto file_;
  google::protobuf::MethodDescriptorProto* method_;
  v1::MethodPolicy policy_;
  Handler handler_ = {.transact = [](Session&, const Message&) -> Answer { return nullptr; }};
};

TEST_F(MethodPolicyTest, WriteByItsRequestIdHasOne) {
  AddField("request_id", FieldDescriptorProto::TYPE_STRING);

  EXPECT_EQ(Check(), absl::OkStatus());
}

TEST_F(MethodPolicyTest, WriteThatNeedsARequestIdAndHasNoneStopsTheStart) {
  for (const auto idempotence : {v1::IDEMPOTENCE_GUARDED, v1::IDEMPOTENCE_BY_REQUEST_ID}) {
    policy_.set_idempotence(idempotence);

    EXPECT_EQ(Check().message(),
              "test.Test.Write lacks the field string request_id in its request");
  }
}

TEST_F(MethodPolicyTest, RequestIdOfAnotherTypeIsNone) {
  AddField("request_id", FieldDescriptorProto::TYPE_INT64);

  EXPECT_THAT(std::string(Check().message()),
              EndsWith("lacks the field string request_id in its request"));
}

TEST_F(MethodPolicyTest, RequestIdThatNothingReadsStopsTheStart) {
  AddField("request_id", FieldDescriptorProto::TYPE_STRING);
  for (const auto idempotence : {v1::IDEMPOTENCE_READ, v1::IDEMPOTENCE_BY_KEY}) {
    policy_.set_idempotence(idempotence);

    EXPECT_THAT(std::string(Check().message()),
                EndsWith("has a request_id that nothing would read"));
  }
}

TEST_F(MethodPolicyTest, ReadCannotBeRepeatedByItsRequestId) {
  AddField("request_id", FieldDescriptorProto::TYPE_STRING);
  policy_.set_transaction(v1::TRANSACTION_READ_ONLY);

  EXPECT_THAT(std::string(Check().message()), EndsWith("has a request_id and does not write"));
}

TEST_F(MethodPolicyTest, StreamCannotBeRepeatedByItsRequestId) {
  AddField("request_id", FieldDescriptorProto::TYPE_STRING);
  method_->set_client_streaming(true);

  EXPECT_THAT(std::string(Check().message()),
              EndsWith("has a request_id and is not one request with one answer"));
}

TEST_F(MethodPolicyTest, PolicyMustBeWhole) {
  AddField("request_id", FieldDescriptorProto::TYPE_STRING);
  policy_.clear_default_deadline_ms();

  EXPECT_EQ(Check().message(), "test.Test.Write lacks a part of its policy");
}

class RequestKeyTest : public ::testing::Test {
 protected:
  static Method MethodOf(const Message& request, const char* name) {
    return Method(
        *v1::CorrectCollectionRequest::descriptor()->file()->service(0)->FindMethodByName(name),
        request, request, {});
  }

  const Method correct_ =
      MethodOf(v1::CorrectCollectionRequest::default_instance(), "CorrectCollection");
  const Method delete_ =
      MethodOf(v1::DeleteCollectionsRequest::default_instance(), "DeleteCollections");
  const Method record_ =
      MethodOf(v1::RecordCollectionRequest::default_instance(), "RecordCollection");
};

TEST_F(RequestKeyTest, NamesTheIdInLowerCaseTheMethodAndTheContent) {
  v1::CorrectCollectionRequest request;
  request.set_id(5);
  request.set_request_id("123E4567-E89B-12D3-A456-426614174000");
  v1::CorrectCollectionRequest repeat = request;
  repeat.set_request_id(kId);
  v1::CorrectCollectionRequest other = request;
  other.set_id(6);

  const auto key = RequestKeyOf(correct_, request);

  ASSERT_TRUE(key);
  EXPECT_EQ(key->request_id, kId);
  EXPECT_EQ(key->method, "CollectionRepository.CorrectCollection");
  EXPECT_EQ(key->fingerprint, RequestKeyOf(correct_, repeat)->fingerprint);
  EXPECT_NE(key->fingerprint, RequestKeyOf(correct_, other)->fingerprint);
}

TEST_F(RequestKeyTest, WriteWithoutAnIdHasNone) {
  EXPECT_FALSE(RequestKeyOf(correct_, v1::CorrectCollectionRequest()));
  EXPECT_FALSE(RequestKeyOf(record_, v1::RecordCollectionRequest()));
}

TEST_F(RequestKeyTest, DryRunHasNone) {
  v1::DeleteCollectionsRequest request;
  request.set_request_id(kId);
  request.set_dry_run(true);
  EXPECT_FALSE(RequestKeyOf(delete_, request));

  request.set_expected_count(3);

  EXPECT_TRUE(RequestKeyOf(delete_, request));
}

TEST_F(RequestKeyTest, TextThatIsNoUuidIsNamed) {
  v1::CorrectCollectionRequest request;
  std::vector<FieldViolation> violations;
  CheckRequestId(correct_, request, violations);
  request.set_request_id(kId);
  CheckRequestId(correct_, request, violations);
  EXPECT_THAT(violations, IsEmpty());

  request.set_request_id("again");
  CheckRequestId(correct_, request, violations);

  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, "request_id");
}

}  // namespace
}  // namespace aquifer
