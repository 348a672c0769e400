#include "repositories/update_mask.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "aquifer/v1/common.pb.h"
#include "aquifer/v1/options.pb.h"
#include "repositories/field_rules.h"

namespace aquifer {
namespace {

using google::protobuf::FieldMask;
using google::protobuf::TextFormat;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

FieldMask MaskOf(const std::vector<std::string>& paths) {
  FieldMask mask;
  for (const std::string& path : paths) mask.add_paths(path);
  return mask;
}

std::vector<std::string> Shown(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> shown;
  for (const auto& violation : violations) {
    shown.push_back(absl::StrCat(violation.field, " ", violation.description));
  }
  return shown;
}

// Over the fields year, month and day.
std::vector<std::string> Problems(const std::vector<std::string>& paths) {
  return Shown(CheckUpdateMask(MaskOf(paths), *v1::Day::descriptor()));
}

TEST(UpdateMaskTest, HasWhatItNames) {
  const FieldMask paths = MaskOf({"month", "day"});
  const UpdateMask mask(paths);

  EXPECT_TRUE(mask.Has("month"));
  EXPECT_TRUE(mask.Has("day"));
  EXPECT_FALSE(mask.Has("year"));
}

TEST(UpdateMaskTest, FieldsOfTheResourceAreAllowed) {
  EXPECT_THAT(Problems({"year", "day"}), IsEmpty());
}

TEST(UpdateMaskTest, AMaskThatNamesNothingIsRefused) {
  EXPECT_THAT(Problems({}), ElementsAre("update_mask must name what to change, of year, month, "
                                        "day"));
}

TEST(UpdateMaskTest, WhatIsNoFieldIsRefusedAndNotRepeated) {
  for (const char* path : {"hour", "", "*", "year.month", "YEAR", " day"}) {
    EXPECT_THAT(Problems({"year", path}),
                ElementsAre("update_mask must name only year, month, day"))
        << path;
  }
}

TEST(UpdateMaskTest, AFieldNamedTwiceIsRefused) {
  EXPECT_THAT(Problems({"year", "day", "year"}), ElementsAre("update_mask must name a field once"));
}

// A request made only for these tests: `thing` under `update_mask`, and a number beside them.
constexpr char kProto[] = R"(
name: "masked.proto" package: "masked" syntax: "proto3"
dependency: "aquifer/v1/options.proto"
dependency: "google/protobuf/field_mask.proto"
message_type {
  name: "Thing"
  field {
    name: "name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING
    options { [aquifer.v1.rules] { required: true max_length: 3 } }
  }
  field {
    name: "size" number: 2 label: LABEL_OPTIONAL type: TYPE_INT64
    options { [aquifer.v1.rules] { min: 5 } }
  }
  field {
    name: "weight" number: 3 label: LABEL_OPTIONAL type: TYPE_DOUBLE
    options { [aquifer.v1.rules] { min: 0 max: 14 } }
  }
}
message_type {
  name: "UpdateThingRequest"
  field { name: "thing" number: 1 label: LABEL_OPTIONAL type_name: ".masked.Thing" }
  field {
    name: "update_mask" number: 2 label: LABEL_OPTIONAL type_name: ".google.protobuf.FieldMask"
    options { [aquifer.v1.rules] { mask_of: "thing" } }
  }
  field {
    name: "version" number: 3 label: LABEL_OPTIONAL type: TYPE_INT64
    options { [aquifer.v1.rules] { required: true } }
  }
})";

class MaskedRequestTest : public ::testing::Test {
 protected:
  MaskedRequestTest() {
    factory_.SetDelegateToGeneratedFactory(true);
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(TextFormat::ParseFromString(kProto, &file));
    const auto* built = pool_.BuildFile(file);
    request_.reset(
        factory_.GetPrototype(built->FindMessageTypeByName("UpdateThingRequest"))->New());
  }

  std::vector<std::string> Check(const std::string& request) {
    EXPECT_TRUE(TextFormat::ParseFromString(request, request_.get())) << request;
    return Shown(CheckFieldRules(*request_));
  }

 private:
  google::protobuf::DescriptorPool pool_{google::protobuf::DescriptorPool::generated_pool()};
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::unique_ptr<google::protobuf::Message> request_;
};

TEST_F(MaskedRequestTest, RulesHoldForWhatTheMaskNames) {
  EXPECT_THAT(Check("thing {} update_mask { paths: 'name' } version: 1"),
              ElementsAre("thing.name is required"));
  EXPECT_THAT(
      Check("thing { name: 'long' size: 4 } update_mask { paths: 'size' paths: 'name' } "
            "version: 1"),
      ElementsAre("thing.name must have at most 3 characters", "thing.size must be at least 5"));
}

TEST_F(MaskedRequestTest, RulesDoNotHoldForTheRest) {
  EXPECT_THAT(Check("thing { size: 7 } update_mask { paths: 'size' } version: 1"), IsEmpty());
}

TEST_F(MaskedRequestTest, ANumberWithAPointHasItsRangeAndIsFinite) {
  const auto check = [this](const std::string& weight) {
    return Check("thing { weight: " + weight + " } update_mask { paths: 'weight' } version: 1");
  };

  EXPECT_THAT(check("14"), IsEmpty());
  EXPECT_THAT(check("14.1"), ElementsAre("thing.weight must be at most 14"));
  EXPECT_THAT(check("-0.1"), ElementsAre("thing.weight must be at least 0"));
  EXPECT_THAT(check("nan"), ElementsAre("thing.weight must be a finite number"));
  EXPECT_THAT(check("inf"), ElementsAre("thing.weight must be a finite number"));
}

TEST_F(MaskedRequestTest, ProblemsOfMaskAndFieldsAreToldTogether) {
  EXPECT_THAT(Check("thing { name: 'long' } update_mask { paths: 'name' paths: 'colour' }"),
              ElementsAre("version is required", "update_mask must name only name, size, weight",
                          "thing.name must have at most 3 characters"));
}

TEST_F(MaskedRequestTest, NeitherMaskNorMessageMayBeMissing) {
  EXPECT_THAT(Check("version: 1"),
              ElementsAre("update_mask must name what to change, of name, size, weight",
                          "thing is required"));
}

}  // namespace
}  // namespace aquifer
