#include "repositories/transaction_checks.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <cstdint>
#include <string>
#include <utility>

#include "repositories/field_rules.h"
#include "repositories/transaction_repository.h"
#include "repositories/write_references.h"

namespace aquifer {
namespace {

using google::protobuf::Message;

// In the lists of all requests together: a transaction holds its locks until its last write.
constexpr std::int64_t kMostElements = 10000;
// What any id may be, where the one to come is not known yet.
constexpr std::int64_t kStandIn = 1;

// "task" for a write whose answer has its id at "task.id".
absl::string_view ThingMadeBy(const WriteKind& kind) {
  return kind.made.substr(0, kind.made.find('.'));
}

// Whether the field holds ids of such things: `task_id` does of tasks, and so does the `id` of a
// request that is named after them, as UpdateTaskRequest is.
bool HoldsIdOf(absl::string_view thing, const google::protobuf::FieldDescriptor& field) {
  if (field.name() != "id") return field.name() == absl::StrCat(thing, "_id");
  std::string name(thing);
  name[0] = absl::ascii_toupper(name[0]);
  return absl::EndsWith(field.containing_type()->name(), absl::StrCat(name, "Request"));
}

std::int64_t CountElements(const Message& request) {
  std::int64_t count = 0;
  const auto& descriptor = *request.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto* field = descriptor.field(i);
    if (field->is_repeated()) count += request.GetReflection()->FieldSize(request, field);
  }
  return count;
}

class WriteChecker {
 public:
  explicit WriteChecker(const v1::ExecuteRequest& request) : request_(request) {}

  std::vector<FieldViolation> Run() {
    for (int i = 0; i < request_.writes_size(); ++i) CheckWrite(i);
    if (elements_ > kMostElements) {
      Add("writes", absl::StrCat("must have at most ", kMostElements,
                                 " elements in the lists of all requests"));
    }
    return std::move(violations_);
  }

 private:
  void Add(const std::string& field, absl::string_view description) {
    violations_.push_back({field, std::string(description)});
  }

  void CheckRules(const v1::Write& write, int index) {
    for (FieldViolation& violation : CheckFieldRules(write, WritePath(index))) {
      violations_.push_back(std::move(violation));
    }
  }

  void CheckWrite(int index) {
    const v1::Write& write = request_.writes(index);
    if (RequestFieldOf(write) == nullptr) return CheckRules(write, index);
    elements_ += CountElements(RequestOf(write));
    CheckRequestId(RequestOf(write), index);
    if (write.references().empty()) return CheckRules(write, index);

    v1::Write filled = write;
    for (int i = 0; i < write.references_size(); ++i) {
      CheckReference(index, i, MutableRequestOf(filled));
    }
    CheckRules(filled, index);
  }

  // Fills a stand-in in where the reference is good.
  void CheckReference(int index, int reference_index, Message& request) {
    const v1::IdReference& reference = request_.writes(index).references(reference_index);
    const IdPath path = FindIdPath(*request.GetDescriptor(), reference.field());
    const std::string field = ReferencePath(index, reference_index, "field");
    if (path.empty()) {
      Add(field, absl::StrCat("must be an int64 id of ", request.GetDescriptor()->name()));
    } else if (IdAt(request, path) != 0) {
      Add(field, "must be a field that is empty, and only once");
    } else {
      SetIdAt(request, path, kStandIn);
    }

    const std::string write = ReferencePath(index, reference_index, "write");
    if (reference.write() < 0 || reference.write() >= index) {
      Add(write, "must be the place of an earlier write");
      return;
    }
    const v1::Write& maker = request_.writes(reference.write());
    // A write without a request is named on its own account.
    if (RequestFieldOf(maker) == nullptr) return;
    const WriteKind& kind = KindOf(*RequestOf(maker).GetDescriptor());
    if (kind.made.empty()) {
      Add(write, "must be a write that makes an id");
    } else if (!path.empty() && !HoldsIdOf(ThingMadeBy(kind), *path.back())) {
      Add(field, absl::StrCat("must be a field for the id of a ", ThingMadeBy(kind)));
    }
  }

  void CheckRequestId(const Message& request, int index) {
    const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
    if (field == nullptr || !request.GetReflection()->HasField(request, field)) return;
    Add(absl::StrCat(WritePath(index), ".", RequestFieldOf(request_.writes(index))->name(),
                     ".request_id"),
        "must be empty: the request_id of Execute stands for all writes");
  }

  const v1::ExecuteRequest& request_;
  std::int64_t elements_ = 0;
  std::vector<FieldViolation> violations_;
};

}  // namespace

std::vector<FieldViolation> CheckWrites(const v1::ExecuteRequest& request) {
  return WriteChecker(request).Run();
}

}  // namespace aquifer
