// The table of writes against the protos: what writes can be a part of a transaction.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "aquifer/v1/options.pb.h"
#include "aquifer/v1/transaction.pb.h"
#include "repositories/transaction_repository.h"
#include "repositories/write_references.h"

namespace aquifer {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::OneofDescriptor;

const OneofDescriptor& Requests() { return *v1::Write::descriptor()->FindOneofByName("request"); }

bool IsWrite(const MethodDescriptor& method) {
  return method.options().GetExtension(v1::policy).transaction() == v1::TRANSACTION_READ_WRITE &&
         !method.client_streaming() && !method.server_streaming() &&
         method.input_type() != v1::ExecuteRequest::descriptor();
}

// Every method that writes, of every proto, with one request and one answer.
std::set<const MethodDescriptor*> Writes() {
  std::set<const MethodDescriptor*> writes;
  const auto protos = std::filesystem::path(AQUIFER_SOURCE_DIR) / "proto/aquifer/v1";
  for (const auto& entry : std::filesystem::directory_iterator(protos)) {
    const std::string name = absl::StrCat("aquifer/v1/", entry.path().filename().string());
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    EXPECT_NE(file, nullptr) << name;
    for (int i = 0; file != nullptr && i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const MethodDescriptor* method = file->service(i)->method(j);
        if (IsWrite(*method)) writes.insert(method);
      }
    }
  }
  return writes;
}

TEST(TransactionWritesTest, EveryWriteCanBeAPartOfATransaction) {
  std::set<const google::protobuf::Descriptor*> members;
  for (int i = 0; i < Requests().field_count(); ++i) {
    members.insert(Requests().field(i)->message_type());
  }

  for (const MethodDescriptor* method : Writes()) {
    EXPECT_TRUE(members.count(method->input_type()))
        << method->full_name() << " belongs into Write and WriteResult of transaction.proto and "
        << "the table of repositories/transaction_repository.cc";
  }
  EXPECT_EQ(members.size(), Writes().size());
}

TEST(TransactionWritesTest, EveryMemberHasItsKindAndItsAnswer) {
  EXPECT_EQ(WriteKinds().size(), static_cast<std::size_t>(Requests().field_count()));
  for (int i = 0; i < Requests().field_count(); ++i) {
    const FieldDescriptor& member = *Requests().field(i);
    const auto kinds = WriteKinds();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const WriteKind& candidate) {
      return &candidate.request == member.message_type();
    });
    ASSERT_NE(kind, kinds.end()) << member.name();

    const FieldDescriptor* answer = v1::WriteResult::descriptor()->FindFieldByName(member.name());
    ASSERT_NE(answer, nullptr) << member.name();
    EXPECT_EQ(answer->number(), member.number()) << member.name();
    EXPECT_EQ(answer->message_type(), &kind->response) << member.name();
  }
}

TEST(TransactionWritesTest, TheIdAKindMakesIsInItsAnswer) {
  for (const WriteKind& kind : WriteKinds()) {
    if (kind.made.empty()) continue;
    EXPECT_FALSE(FindIdPath(kind.response, kind.made).empty())
        << kind.response.name() << " has no " << kind.made;
  }
}

}  // namespace
}  // namespace aquifer
