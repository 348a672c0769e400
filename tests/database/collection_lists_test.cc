#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "repositories/errors.h"
#include "repositories/page.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using testing::InsertLine;
using testing::InsertLines;
using ::testing::IsEmpty;

class CollectionListsTest : public testing::CollectionsTest {
 protected:
  absl::StatusOr<v1::ListCollectionsResponse> List(const v1::ListCollectionsRequest& request) {
    return Call(&CollectionRepository::ListCollections, request);
  }

  absl::StatusOr<StreamPage<v1::StreamCollectionsResponse>> Stream(
      const v1::StreamCollectionsRequest& request, const std::string& position) {
    return InTransaction([&](Session& session) {
      return CollectionRepository(session).StreamCollections(request, position);
    });
  }

  static v1::StreamCollectionsResponse MessageOf(
      const StreamPage<v1::StreamCollectionsResponse>& page) {
    v1::StreamCollectionsResponse response;
    page.fill(response);
    return response;
  }

  // The ids of all pages, in turn. `between` runs before each page but the first.
  template <typename Between>
  std::vector<std::int64_t> Walk(v1::ListCollectionsRequest request, Between between) {
    std::vector<std::int64_t> ids;
    while (true) {
      const auto page = List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return ids;
      EXPECT_LE(page->collections_size(), PageSize(request.page_size()));
      for (const auto& line : page->collections()) ids.push_back(line.id());
      if (page->next_page_token().empty()) return ids;
      EXPECT_FALSE(page->collections().empty());
      request.set_page_token(page->next_page_token());
      between();
    }
  }
  std::vector<std::int64_t> Walk(const v1::ListCollectionsRequest& request) {
    return Walk(request, [] {});
  }

  std::vector<std::int64_t> IdsBy(const std::string& order) {
    std::vector<std::int64_t> ids;
    for (const auto& row :
         database_.Execute("SELECT id FROM aquifer.collections ORDER BY " + order)) {
      ids.push_back(row[0].as<std::int64_t>());
    }
    return ids;
  }
};

constexpr char kNewestFirst[] = "collected_at DESC, id DESC";
constexpr char kOldestFirst[] = "collected_at, id";

TEST_F(CollectionListsTest, ListsNewestFirstUnlessAsked) {
  InsertLines(database_, {.lines = 7});
  v1::ListCollectionsRequest oldest_first;
  oldest_first.set_order(v1::COLLECTION_ORDER_OLDEST_FIRST);

  EXPECT_EQ(Walk({}), IdsBy(kNewestFirst));
  EXPECT_EQ(Walk(oldest_first), IdsBy(kOldestFirst));
}

TEST_F(CollectionListsTest, PageHoldsFiftyLinesUnlessAsked) {
  InsertLines(database_, {.lines = 60});
  v1::ListCollectionsRequest request;

  EXPECT_EQ(List(request)->collections_size(), 50);

  request.set_page_size(60);
  EXPECT_EQ(List(request)->collections_size(), 60);
  EXPECT_THAT(List(request)->next_page_token(), IsEmpty());
}

TEST_F(CollectionListsTest, EmptyTableHasOneEmptyPage) {
  const auto page = List({});

  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->collections_size(), 0);
  EXPECT_THAT(page->next_page_token(), IsEmpty());
}

TEST_F(CollectionListsTest, TokenOfAnotherFilterOrOrderIsRefused) {
  InsertLines(database_, {.lines = 10});
  v1::ListCollectionsRequest request;
  request.set_page_size(3);
  const std::string token = List(request)->next_page_token();
  v1::ListCollectionsRequest other_order = request;
  other_order.set_order(v1::COLLECTION_ORDER_OLDEST_FIRST);
  other_order.set_page_token(token);
  v1::ListCollectionsRequest other_filter = request;
  other_filter.mutable_filter()->add_device_ids("device-1");
  other_filter.set_page_token(token);

  for (const auto& bad : {other_order, other_filter}) {
    const auto page = List(bad);
    EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(page.status()), "PAGE_TOKEN_MISMATCH");
  }
}

TEST_F(CollectionListsTest, TokenOfTheRequestWithKeysThatDoNotParseIsRefused) {
  const v1::ListCollectionsRequest request;
  const std::vector<std::vector<std::string>> bad_keys = {
      {"x", "0", "1"},
      {"1", "0", "1; DROP TABLE aquifer.collections"},
      {" 1", "0", "1"},
      {"+1", "0", "1"},
      {"01", "0", "1"},
      {"", "", ""},
      {"1", "0", "0"},
      {"1", "0", "-1"},
      {"1", "0", "9223372036854775808"},
      {"1", "-1", "1"},
      {"1", "1000000000", "1"},
      {"1", "4294967296", "1"},
      {"253402300800", "0", "1"},
      {"-62135596801", "0", "1"},
      {"1", "0"},
      {"1", "0", "1", "1"},
  };

  for (const auto& keys : bad_keys) {
    v1::ListCollectionsRequest bad = request;
    bad.set_page_token(EncodePageToken(request, keys));
    EXPECT_EQ(ReasonOf(List(bad).status()), "PAGE_TOKEN_MISMATCH")
        << ::testing::PrintToString(keys);
  }
}

TEST_F(CollectionListsTest, PageSizeMayChangeBetweenPages) {
  InsertLines(database_, {.lines = 100, .devices = 70});
  v1::ListCollectionsRequest request;
  // So many devices that the page size decides the access path.
  for (int n = 0; n < 70; ++n) {
    request.mutable_filter()->add_device_ids("device-" + std::to_string(n));
  }
  request.set_page_size(2);
  const auto first = List(request);
  request.set_page_token(first->next_page_token());
  request.set_page_size(1000);

  const auto rest = List(request);

  std::vector<std::int64_t> ids;
  for (const auto& line : first->collections()) ids.push_back(line.id());
  for (const auto& line : rest->collections()) ids.push_back(line.id());
  EXPECT_EQ(ids, IdsBy(kNewestFirst));
}

TEST_F(CollectionListsTest, StreamSendsAThousandLinesAPageOldestFirst) {
  InsertLines(database_, {.lines = 2500});
  std::vector<int> sizes;
  std::vector<std::int64_t> ids;

  std::string position;
  do {
    const auto page = Stream({}, position);
    ASSERT_TRUE(page.ok()) << page.status();
    const v1::StreamCollectionsResponse message = MessageOf(*page);
    sizes.push_back(message.collections_size());
    for (const auto& line : message.collections()) ids.push_back(line.id());
    position = page->next_position;
  } while (!position.empty());

  EXPECT_THAT(sizes, ElementsAre(1000, 1000, 500));
  EXPECT_EQ(ids, IdsBy(kOldestFirst));
}

TEST_F(CollectionListsTest, StreamOfExactlyOnePageHasNoSecond) {
  InsertLines(database_, {.lines = 1000});

  const auto page = Stream({}, "");

  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(MessageOf(*page).collections_size(), 1000);
  EXPECT_THAT(page->next_position, IsEmpty());
}

TEST_F(CollectionListsTest, StreamOfNothingIsOneEmptyPage) {
  const auto page = Stream({}, "");

  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(MessageOf(*page).collections_size(), 0);
  EXPECT_THAT(page->next_position, IsEmpty());
}

TEST_F(CollectionListsTest, StreamPositionOfAnotherFilterIsRefused) {
  InsertLines(database_, {.lines = 1001});
  const std::string position = Stream({}, "")->next_position;
  v1::StreamCollectionsRequest other;
  other.mutable_filter()->add_device_ids("device-1");

  const auto page = Stream(other, position);

  EXPECT_EQ(ReasonOf(page.status()), "PAGE_TOKEN_MISMATCH");
}

// Every list is bounded and paged: the pages hold each line exactly once, whichever index serves.
class DomainRule10PagesTest : public CollectionListsTest {
 protected:
  // 300 lines at 20 instants: the ids decide within each.
  void SetUp() override {
    database_.Execute(
        "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, collector) "
        "SELECT 'device-' || (n / 20), timestamptz '2026-03-10 08:00' + (n % 20) * interval '1 s', "
        "1, 0, 'collector ' || (n % 3) FROM generate_series(0, 299) AS n");
  }

  // Requests that every line answers, one an access path and order.
  static std::vector<v1::ListCollectionsRequest> Requests() {
    v1::ListCollectionsRequest by_time, by_device, by_collector;
    for (int n = 0; n < 15; ++n) {
      by_device.mutable_filter()->add_device_ids("device-" + std::to_string(n));
    }
    for (int n = 0; n < 3; ++n) {
      by_collector.mutable_filter()->add_collectors("collector " + std::to_string(n));
    }
    std::vector<v1::ListCollectionsRequest> requests;
    for (auto& request : {by_time, by_device, by_collector}) {
      for (auto order : {v1::COLLECTION_ORDER_NEWEST_FIRST, v1::COLLECTION_ORDER_OLDEST_FIRST}) {
        requests.push_back(request);
        requests.back().set_order(order);
        requests.back().set_page_size(7);
      }
    }
    return requests;
  }

  static const char* OrderOf(const v1::ListCollectionsRequest& request) {
    return request.order() == v1::COLLECTION_ORDER_OLDEST_FIRST ? kOldestFirst : kNewestFirst;
  }

  // Makes each line's instant its own.
  int inserted_ = 0;
};

TEST_F(DomainRule10PagesTest, PagesHoldEveryLineOnceThoughManyShareAnInstant) {
  for (const auto& request : Requests()) {
    EXPECT_EQ(Walk(request), IdsBy(OrderOf(request))) << request.ShortDebugString();
  }
}

TEST_F(DomainRule10PagesTest, LinesStoredMeanwhileNeitherHideNorDoubleOthers) {
  for (const auto& request : Requests()) {
    const auto stored = IdsBy(OrderOf(request));
    // Before all others, after them, and among them: on each page.
    auto ids = Walk(request, [&] {
      const std::string fraction = "." + std::to_string(100000 + ++inserted_);
      for (const char* at : {"2026-03-09 08:00:00", "2026-03-11 08:00:00", "2026-03-10 08:00:10"}) {
        InsertLine(database_, {.device_id = "device-" + std::to_string(inserted_ % 15),
                               .collected_at = at + fraction,
                               .collector = "collector 1"});
      }
    });

    const std::set<std::int64_t> old(stored.begin(), stored.end());
    const std::set<std::int64_t> all(ids.begin(), ids.end());
    EXPECT_EQ(all.size(), ids.size()) << "a line came twice: " << request.ShortDebugString();
    ids.erase(std::remove_if(ids.begin(), ids.end(), [&](auto id) { return !old.count(id); }),
              ids.end());
    EXPECT_EQ(ids, stored) << request.ShortDebugString();
  }
}

}  // namespace
}  // namespace aquifer
