// Which chats a run has reached.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/jobs_test.h"

namespace aquifer {
namespace {

using testing::DeliveryBy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::OfRun;

constexpr char kOne[] = "token-one";
constexpr char kTwo[] = "token-two";

class DeliveriesTest : public testing::JobsTest {
 protected:
  DeliveriesTest() { EXPECT_TRUE(Begin(kOne).ok()); }

  void TakeOver() {
    LetLeasesRunOut();
    ASSERT_EQ(Begin(kTwo)->run().attempt(), 2);
  }

  // "created changed may_send SENT"
  static std::string Said(const absl::StatusOr<v1::RecordDeliveryResponse>& answer) {
    if (!answer.ok()) return ReasonOf(answer.status());
    return absl::StrCat(
        answer->created() ? "created " : "", answer->changed() ? "changed " : "",
        answer->may_send() ? "may_send " : "",
        v1::DeliveryState_Name(answer->delivery().state()).substr(sizeof("DELIVERY_STATE_") - 1));
  }

  // The chats of all pages.
  std::vector<std::int64_t> Undelivered(v1::ListUndeliveredRequest request) {
    std::vector<std::int64_t> chats;
    do {
      const auto page = Call(&JobRepository::ListUndelivered, request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const auto& recipient : page->recipients()) chats.push_back(recipient.chat_id());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return chats;
  }

  static v1::ListUndeliveredRequest To(const std::vector<std::int64_t>& chats) {
    auto request = OfRun<v1::ListUndeliveredRequest>();
    for (const std::int64_t chat : chats) request.add_chat_ids(chat);
    return request;
  }

  void InsertRecipient(const std::string& chat_id, bool employed, bool receives_summaries) {
    database_.Execute(absl::StrCat(
        "INSERT INTO aquifer.workers (name, chat_id, employed, receives_summaries) VALUES ('w', ",
        chat_id, ", ", employed, "::int::bool, ", receives_summaries, "::int::bool)"));
  }
};

TEST_F(DeliveriesTest, SentIsNewOnceAndFinal) {
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT)), "created changed SENT");

  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT)), "SENT");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_FAILED)), "SENT");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED)), "SENT");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.deliveries"), "1");
}

TEST_F(DeliveriesTest, AClaimMaySendAndARepeatOfItToo) {
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED)), "created changed may_send CLAIMED");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED)), "may_send CLAIMED");

  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT)), "changed SENT");
}

TEST_F(DeliveriesTest, AFailedDeliveryIsTriedAgain) {
  auto failed = DeliveryBy(kOne, 7, v1::DELIVERY_STATE_FAILED);
  failed.set_error("blocked");
  EXPECT_EQ(Said(Call(&JobRepository::RecordDelivery, failed)), "created changed FAILED");
  EXPECT_EQ(Said(Call(&JobRepository::RecordDelivery, failed)), "FAILED");

  const auto undelivered = Call(&JobRepository::ListUndelivered, To({7}));

  ASSERT_EQ(undelivered->recipients_size(), 1);
  EXPECT_EQ(undelivered->recipients(0).state(), v1::DELIVERY_STATE_FAILED);
  EXPECT_EQ(undelivered->recipients(0).error(), "blocked");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED)), "changed may_send CLAIMED");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT)), "changed SENT");
}

TEST_F(DeliveriesTest, AClaimOfAnEarlierLeaseIsLeftAloneUnlessAskedFor) {
  ASSERT_TRUE(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED).ok());
  TakeOver();

  EXPECT_EQ(Said(Deliver(kTwo, 7, v1::DELIVERY_STATE_CLAIMED)), "CLAIMED");

  auto resend = DeliveryBy(kTwo, 7, v1::DELIVERY_STATE_CLAIMED);
  resend.set_resend_in_doubt(true);
  EXPECT_EQ(Said(Call(&JobRepository::RecordDelivery, resend)), "changed may_send CLAIMED");
  EXPECT_EQ(Said(Call(&JobRepository::RecordDelivery, resend)), "may_send CLAIMED");
}

TEST_F(DeliveriesTest, TheLoserOfALeaseMayOnlySayWhatItSent) {
  ASSERT_TRUE(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED).ok());
  TakeOver();

  EXPECT_EQ(Said(Deliver(kOne, 8, v1::DELIVERY_STATE_CLAIMED)), "LEASE_LOST");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_FAILED)), "LEASE_LOST");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT)), "changed SENT");
}

TEST_F(DeliveriesTest, AFinishedRunIsNotClaimedFor) {
  ASSERT_TRUE(Finish(kOne).ok());

  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED)), "JOB_RUN_FINISHED");
  EXPECT_EQ(Said(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT)), "created changed SENT");
}

TEST_F(DeliveriesTest, ARunNeverBegunHasNoDeliveries) {
  auto request = DeliveryBy(kOne, 7, v1::DELIVERY_STATE_SENT);
  request.set_key("another");
  auto list = To({7});
  list.set_key("another");

  EXPECT_EQ(ReasonOf(Call(&JobRepository::RecordDelivery, request).status()), "JOB_RUN_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Call(&JobRepository::ListUndelivered, list).status()), "JOB_RUN_NOT_FOUND");
}

TEST_F(DeliveriesTest, AnErrorBelongsToAFailure) {
  auto request = DeliveryBy(kOne, 7, v1::DELIVERY_STATE_SENT);
  request.set_error("no");

  EXPECT_EQ(ReasonOf(Call(&JobRepository::RecordDelivery, request).status()), "INVALID_FIELDS");
}

TEST_F(DeliveriesTest, RunsOfOtherKeysAreReachedApart) {
  auto other = testing::BeginBy(kTwo);
  other.set_key("2026-03-29");
  ASSERT_TRUE(Call(&JobRepository::BeginJobRun, other).ok());

  ASSERT_TRUE(Deliver(kOne, 7, v1::DELIVERY_STATE_SENT).ok());

  auto list = To({7});
  EXPECT_THAT(Undelivered(list), IsEmpty());
  list.set_key("2026-03-29");
  EXPECT_THAT(Undelivered(list), ElementsAre(7));
}

TEST_F(DeliveriesTest, RecipientsAreThoseWhoReceiveSummariesEmployedOrNot) {
  InsertRecipient("100", true, true);
  InsertRecipient("200", true, false);
  InsertRecipient("300", false, true);
  InsertRecipient("NULL", true, true);
  InsertRecipient("-400", true, true);
  InsertRecipient("500", true, true);
  database_.Execute("UPDATE aquifer.workers SET deleted_at = now() WHERE chat_id = 500");

  const auto undelivered =
      Call(&JobRepository::ListUndelivered, OfRun<v1::ListUndeliveredRequest>());

  ASSERT_TRUE(undelivered.ok()) << undelivered.status();
  ASSERT_EQ(undelivered->recipients_size(), 3);
  EXPECT_EQ(undelivered->recipients(0).chat_id(), -400);
  EXPECT_EQ(undelivered->recipients(1).chat_id(), 100);
  EXPECT_EQ(undelivered->recipients(2).chat_id(), 300);
  EXPECT_EQ(absl::StrCat(undelivered->recipients(1).worker_id()),
            Value("SELECT id FROM aquifer.workers WHERE chat_id = 100"));
  EXPECT_EQ(undelivered->recipients(1).state(), v1::DELIVERY_STATE_UNSPECIFIED);
}

TEST_F(DeliveriesTest, AnExplicitListIsTakenAsItIsAndOnce) {
  InsertRecipient("100", false, false);

  const auto undelivered = Call(&JobRepository::ListUndelivered, To({-5, 100, -5}));

  ASSERT_TRUE(undelivered.ok()) << undelivered.status();
  ASSERT_EQ(undelivered->recipients_size(), 2);
  EXPECT_EQ(undelivered->recipients(0).chat_id(), -5);
  EXPECT_EQ(undelivered->recipients(0).worker_id(), 0);
  EXPECT_EQ(undelivered->recipients(1).chat_id(), 100);
  EXPECT_GT(undelivered->recipients(1).worker_id(), 0);
}

TEST_F(DeliveriesTest, UndeliveredComesPageByPageWhileDeliveriesAreRecorded) {
  std::vector<std::int64_t> chats;
  for (int chat = 1; chat <= 25; ++chat) {
    InsertRecipient(absl::StrCat(chat), true, true);
    chats.push_back(chat);
  }
  for (auto request : {OfRun<v1::ListUndeliveredRequest>(), To(chats)}) {
    request.set_page_size(4);
    EXPECT_EQ(Undelivered(request), chats);
  }

  auto request = OfRun<v1::ListUndeliveredRequest>();
  request.set_page_size(10);
  const auto first = Call(&JobRepository::ListUndelivered, request);
  for (const auto& recipient : first->recipients()) {
    ASSERT_TRUE(Deliver(kOne, recipient.chat_id(), v1::DELIVERY_STATE_SENT).ok());
  }
  request.set_page_token(first->next_page_token());
  const auto second = Call(&JobRepository::ListUndelivered, request);

  EXPECT_EQ(first->recipients(9).chat_id(), 10);
  EXPECT_EQ(second->recipients(0).chat_id(), 11);
}

TEST_F(DeliveriesTest, ClaimsInDoubtAreListedWhereAskedFor) {
  ASSERT_TRUE(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED).ok());
  auto request = To({7, 8});
  request.set_resend_in_doubt(true);
  EXPECT_THAT(Undelivered(request), ElementsAre(8)) << "its lease goes on";

  TakeOver();

  EXPECT_THAT(Undelivered(request), ElementsAre(7, 8));
  request.set_resend_in_doubt(false);
  EXPECT_THAT(Undelivered(request), ElementsAre(8));
}

TEST_F(DeliveriesTest, AClaimIsInDoubtOnceItsRunFailed) {
  ASSERT_TRUE(Deliver(kOne, 7, v1::DELIVERY_STATE_CLAIMED).ok());
  ASSERT_TRUE(Finish(kOne, v1::JOB_RUN_STATE_FAILED).ok());
  auto request = To({7});
  request.set_resend_in_doubt(true);

  EXPECT_THAT(Undelivered(request), ElementsAre(7));
}

TEST_F(DeliveriesTest, NoErrorHoldsAChatOrAToken) {
  auto request = DeliveryBy("secret-token", 987654321, v1::DELIVERY_STATE_CLAIMED);

  const std::string text =
      std::string(Call(&JobRepository::RecordDelivery, request).status().ToString());

  EXPECT_EQ(text.find("987654321"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

// "A delivery to a chat is recorded, so that nobody gets a report twice or not at all."
class DomainRule7DeliveriesTest : public DeliveriesTest {
 protected:
  // What the chats got, over all lives of the sender.
  std::map<std::int64_t, int> sent_;

  // A life of a broadcast, killed after `steps` calls or sends. True if it reached its end.
  bool Broadcast(const std::string& lease_token, int steps, bool claim_first, bool resend) {
    auto list = OfRun<v1::ListUndeliveredRequest>();
    list.set_resend_in_doubt(resend);
    list.set_page_size(3);
    do {
      const auto page = Call(&JobRepository::ListUndelivered, list);
      EXPECT_TRUE(page.ok()) << page.status();
      for (const auto& recipient : page->recipients()) {
        const std::int64_t chat = recipient.chat_id();
        if (claim_first) {
          auto claim = DeliveryBy(lease_token, chat, v1::DELIVERY_STATE_CLAIMED);
          claim.set_resend_in_doubt(resend);
          if (steps-- == 0) return false;
          if (!Call(&JobRepository::RecordDelivery, claim)->may_send()) continue;
        }
        if (steps-- == 0) return false;
        ++sent_[chat];
        if (steps-- == 0) return false;
        EXPECT_TRUE(Deliver(lease_token, chat, v1::DELIVERY_STATE_SENT).ok());
      }
      list.set_page_token(page->next_page_token());
    } while (!list.page_token().empty());
    return true;
  }

  // Lets it be killed after every number of steps in turn, each time after one more.
  void BroadcastUntilDone(bool claim_first, bool resend) {
    for (int chat = 1; chat <= 10; ++chat) InsertRecipient(absl::StrCat(chat), true, true);
    bool done = false;
    for (int life = 0; !done; ++life) {
      ASSERT_LT(life, 100);
      LetLeasesRunOut();
      const std::string token = absl::StrCat("life-", life);
      ASSERT_EQ(Begin(token)->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
      done = Broadcast(token, life % 7, claim_first, resend) ||
             Broadcast(token, 0, claim_first, resend);
      if (done) {
        ASSERT_TRUE(Finish(token).ok());
      }
    }
  }

  std::string Recorded(const std::string& state) {
    return Value("SELECT count(*) FROM aquifer.deliveries WHERE state = '" + state + "'");
  }
};

TEST_F(DomainRule7DeliveriesTest, AKilledBroadcastThatClaimsReachesNobodyTwice) {
  BroadcastUntilDone(/*claim_first=*/true, /*resend=*/false);

  for (const auto& [chat, times] : sent_) EXPECT_EQ(times, 1) << chat;
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.deliveries"), "10");
  EXPECT_EQ(Recorded("failed"), "0");
}

TEST_F(DomainRule7DeliveriesTest, AKilledBroadcastThatResendsMissesNobody) {
  BroadcastUntilDone(/*claim_first=*/true, /*resend=*/true);

  EXPECT_EQ(sent_.size(), 10u);
  EXPECT_EQ(Recorded("sent"), "10");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.deliveries"), "10");
}

TEST_F(DomainRule7DeliveriesTest, AKilledBroadcastThatRecordsAfterSendingMissesNobody) {
  BroadcastUntilDone(/*claim_first=*/false, /*resend=*/false);

  EXPECT_EQ(sent_.size(), 10u);
  EXPECT_EQ(Recorded("sent"), "10");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.deliveries"), "10");
}

}  // namespace
}  // namespace aquifer
