// Changing workers: masks and versions, employment in bulk, dialogue states.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "tests/testing/workers_test.h"

namespace aquifer {
namespace {

class UpdateWorkerTest : public testing::WorkersTest {
 protected:
  UpdateWorkerTest() : worker_(Register(7, "Ivan", "+1").worker()) {
    fields_.set_name("Petro");
    fields_.set_phone("+2");
    fields_.set_chat_id(8);
    fields_.set_receives_summaries(true);
  }

  const v1::Worker worker_;
  v1::WorkerFields fields_;
};

TEST_F(UpdateWorkerTest, ChangesWhatTheMaskNamesAndNothingElse) {
  const auto named = Update(worker_, fields_, {"name", "receives_summaries"});

  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->worker().name(), "Petro");
  EXPECT_TRUE(named->worker().receives_summaries());
  EXPECT_EQ(named->worker().phone(), "+1");
  EXPECT_EQ(named->worker().chat_id(), 7);
  EXPECT_TRUE(named->worker().employed());
  EXPECT_EQ(named->worker().version(), 2);

  const auto rest = Update(named->worker(), fields_, {"phone", "chat_id", "employed"});

  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(rest->worker().phone(), "+2");
  EXPECT_EQ(rest->worker().chat_id(), 8);
  EXPECT_FALSE(rest->worker().employed());
  EXPECT_EQ(rest->worker().version(), 3);
}

TEST_F(UpdateWorkerTest, AChatMayBeTakenAwayAndGivenToAnother) {
  const v1::Worker other = Create("Olena");
  fields_.set_chat_id(0);
  ASSERT_TRUE(Update(worker_, fields_, {"chat_id"}).ok());
  fields_.set_chat_id(7);

  const auto given = Update(other, fields_, {"chat_id"});

  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->worker().chat_id(), 7);
  EXPECT_EQ(Get(worker_.id()).chat_id(), 0);
}

TEST_F(UpdateWorkerTest, AChatOfAnotherWorkerIsTakenAlsoWhereThatOneIsDeleted) {
  const v1::Worker other = Register(8, "Olena").worker();
  ASSERT_TRUE(Delete(other).ok());

  const auto answer = Update(worker_, fields_, {"chat_id"});

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(answer.status()), "CHAT_TAKEN");
  EXPECT_EQ(answer.status().message(), "the chat is that of worker 2");
}

TEST_F(UpdateWorkerTest, AWrongVersionIsAbortedAndChangesNothing) {
  ASSERT_TRUE(Update(worker_, fields_, {"phone"}).ok());

  const auto answer = Update(worker_, fields_, {"name"});

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(answer.status()), "STALE_VERSION");
  EXPECT_EQ(answer.status().message(), "worker 1 has version 2, not 1");
  EXPECT_EQ(Get(worker_.id()).name(), "Ivan");
}

TEST_F(UpdateWorkerTest, AnUnknownWorkerIsNotFound) {
  v1::Worker unknown;
  unknown.set_id(99);

  EXPECT_EQ(ReasonOf(Update(unknown, fields_, {"name"}).status()), "WORKER_NOT_FOUND");
}

TEST_F(UpdateWorkerTest, RulesRefuseWhatCannotBeMasked) {
  v1::UpdateWorkerRequest request;
  request.set_id(1);
  request.set_version(1);
  request.mutable_worker()->set_phone(std::string(33, '1'));
  for (const char* path : {"name", "phone", "version"}) {
    request.mutable_update_mask()->add_paths(path);
  }

  std::vector<std::string> fields;
  for (const auto& violation : CheckFieldRules(request)) fields.push_back(violation.field);

  EXPECT_EQ(fields, (std::vector<std::string>{"update_mask", "worker.name", "worker.phone"}));
}

class SetWorkersActiveTest : public testing::WorkersTest {
 protected:
  v1::SetWorkersActiveResponse Set(const std::vector<std::int64_t>& ids, bool employed) {
    v1::SetWorkersActiveRequest request;
    for (const std::int64_t id : ids) request.add_worker_ids(id);
    request.set_employed(employed);
    return Done(&WorkerRepository::SetWorkersActive, request);
  }

  static std::string Shown(const v1::SetWorkersActiveResponse& response) {
    std::string text = "changed";
    for (const auto id : response.changed_ids()) text += ' ' + std::to_string(id);
    text += ", unchanged";
    for (const auto id : response.unchanged_ids()) text += ' ' + std::to_string(id);
    text += ", missing";
    for (const auto id : response.missing_ids()) text += ' ' + std::to_string(id);
    return text;
  }
};

TEST_F(SetWorkersActiveTest, TellsChangedUnchangedAndMissingApart) {
  for (int chat_id = 1; chat_id <= 4; ++chat_id) Register(chat_id);
  ASSERT_TRUE(Delete(Get(4)).ok());
  Set({2}, false);

  const auto first = Set({99, 3, 1, 2, 4, 1}, false);
  const auto again = Set({99, 3, 1, 2, 4, 1}, false);

  EXPECT_EQ(Shown(first), "changed 1 3, unchanged 2, missing 4 99");
  EXPECT_EQ(Shown(again), "changed, unchanged 1 2 3, missing 4 99");
  EXPECT_FALSE(Get(1).employed());
  EXPECT_EQ(Get(1).version(), 2);
  EXPECT_EQ(Get(2).version(), 2);
}

TEST_F(SetWorkersActiveTest, WhetherEmployedMustBeSaid) {
  v1::SetWorkersActiveRequest request;
  request.add_worker_ids(1);
  EXPECT_EQ(CheckFieldRules(request).size(), 1u);

  request.set_employed(false);

  EXPECT_TRUE(CheckFieldRules(request).empty());
}

TEST_F(SetWorkersActiveTest, AThousandGoAtOnce) {
  database_.Execute(
      "INSERT INTO aquifer.workers (name) SELECT 'w' || n FROM generate_series(1, 1000) AS n");
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 1000; id >= 1; --id) ids.push_back(id);

  EXPECT_EQ(Set(ids, false).changed_ids_size(), 1000);
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.workers WHERE employed"), "0");
}

class DialogueStateTest : public testing::WorkersTest {
 protected:
  absl::StatusOr<v1::SetDialogueStateResponse> Set(std::int64_t id, const std::string& expected,
                                                   const std::string& state) {
    v1::SetDialogueStateRequest request;
    request.set_worker_id(id);
    request.set_expected_state(expected);
    request.set_new_state(state);
    return Call(&WorkerRepository::SetDialogueState, request);
  }
};

TEST_F(DialogueStateTest, MovesFromWhatIsExpectedAndKeepsTheVersion) {
  const v1::Worker worker = Register(7).worker();

  const auto asked = Set(worker.id(), "", "asked_phone");
  const auto done = Set(worker.id(), "asked_phone", "");

  ASSERT_TRUE(asked.ok() && done.ok());
  EXPECT_EQ(asked->worker().dialogue_state(), "asked_phone");
  EXPECT_EQ(Get(worker.id()).dialogue_state(), "");
  EXPECT_EQ(Get(worker.id()).version(), worker.version());
}

TEST_F(DialogueStateTest, TheLoserIsAbortedAndNoStateIsTold) {
  const v1::Worker worker = Register(7).worker();
  ASSERT_TRUE(Set(worker.id(), "", "secret one").ok());

  const auto answer = Set(worker.id(), "secret two", "secret three");

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(answer.status()), "DIALOGUE_STATE_CHANGED");
  EXPECT_EQ(answer.status().ToString().find("secret"), std::string::npos);
  EXPECT_EQ(Get(worker.id()).dialogue_state(), "secret one");
}

TEST_F(DialogueStateTest, UnknownAndDeletedWorkersHaveNone) {
  const v1::Worker worker = Register(7).worker();
  ASSERT_TRUE(Delete(worker).ok());

  EXPECT_EQ(ReasonOf(Set(worker.id(), "", "a").status()), "WORKER_DELETED");
  EXPECT_EQ(ReasonOf(Set(99, "", "a").status()), "WORKER_NOT_FOUND");
}

class DomainRule8Test : public testing::WorkersTest {
 protected:
  // "employed, on shift, receives summaries" as three letters, '-' for not.
  std::string Facts(std::int64_t id) {
    const v1::Worker worker = Get(id);
    return {worker.employed() ? 'e' : '-', worker.on_shift() ? 's' : '-',
            worker.receives_summaries() ? 'r' : '-'};
  }

  // Sets one of the two that are stored.
  void SetFact(std::int64_t id, const std::string& fact, bool value) {
    v1::WorkerFields fields;
    fields.set_employed(value);
    fields.set_receives_summaries(value);
    EXPECT_TRUE(Update(Get(id), fields, {fact}).ok());
  }
};

TEST_F(DomainRule8Test, EmployedOnShiftAndReceivesSummariesAreThreeFacts) {
  const std::int64_t id = Register(7).worker().id();
  EXPECT_EQ(Facts(id), "e--");

  SetFact(id, "receives_summaries", true);
  EXPECT_EQ(Facts(id), "e-r");
  ASSERT_TRUE(Start(id).ok());
  EXPECT_EQ(Facts(id), "esr");
  SetFact(id, "employed", false);
  EXPECT_EQ(Facts(id), "-sr");
  SetFact(id, "receives_summaries", false);
  EXPECT_EQ(Facts(id), "-s-");
  ASSERT_TRUE(End(id).ok());
  EXPECT_EQ(Facts(id), "---");
  SetFact(id, "receives_summaries", true);
  EXPECT_EQ(Facts(id), "--r");
}

TEST_F(DomainRule8Test, EachFactIsAFilterOfItsOwn) {
  // Worker n has the facts of the bits of n - 1.
  for (std::int64_t id = 1; id <= 8; ++id) {
    ASSERT_EQ(Register(id).worker().id(), id);
    SetFact(id, "employed", (id - 1) & 1);
    SetFact(id, "receives_summaries", (id - 1) & 2);
    if ((id - 1) & 4) {
      ASSERT_TRUE(Start(id).ok());
    }
  }
  v1::WorkerFilter employed, receiving, on_shift, none;
  employed.set_employed(true);
  receiving.set_receives_summaries(true);
  on_shift.set_on_shift(true);
  none.set_employed(false);
  none.set_receives_summaries(false);
  none.set_on_shift(false);

  EXPECT_EQ(IdsOf(employed), "2 4 6 8 ");
  EXPECT_EQ(IdsOf(receiving), "3 4 7 8 ");
  EXPECT_EQ(IdsOf(on_shift), "5 6 7 8 ");
  EXPECT_EQ(IdsOf(none), "1 ");
}

TEST_F(DomainRule8Test, SummariesGoToWhoReceivesThemEmployedOrNot) {
  for (std::int64_t id = 1; id <= 5; ++id) {
    ASSERT_EQ(Register(id * 100).worker().id(), id);
    SetFact(id, "receives_summaries", id != 2);
  }
  SetFact(1, "employed", false);
  v1::WorkerFields no_chat;
  ASSERT_TRUE(Update(Get(3), no_chat, {"chat_id"}).ok());
  ASSERT_TRUE(Delete(Get(4)).ok());

  std::string chats;
  const auto answer = Done(&WorkerRepository::ListSummaryRecipients, {});
  for (const auto& each : answer.recipients()) {
    chats += std::to_string(each.chat_id()) + ' ';
  }

  EXPECT_EQ(chats, "100 500 ");
}

}  // namespace
}  // namespace aquifer
