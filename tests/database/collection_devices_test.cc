// ListCollectionDevices: counts, sums and pages.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::LineAt;
using ::testing::SizeIs;
using Request = v1::ListCollectionDevicesRequest;
using Response = v1::ListCollectionDevicesResponse;

class CollectionDevicesTest : public testing::CollectionsTest {
 protected:
  Response List(const Request& request) {
    auto response = Call(&CollectionRepository::ListCollectionDevices, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : Response();
  }

  static std::vector<std::string> Ids(const Response& response) {
    std::vector<std::string> ids;
    for (const auto& device : response.devices()) ids.push_back(device.device_id());
    return ids;
  }
};

TEST_F(CollectionDevicesTest, EachDeviceComesWithItsSums) {
  ASSERT_TRUE(RecordAll({LineAt("2026-05-01 10:00:00").Device("7").Notes(1520),
                         LineAt("2026-05-01 10:00:04").Device("7").Coins(75),
                         LineAt("2026-05-02 10:00:00").Device("8").Notes(1)})
                  .ok());

  const auto response = List({});

  ASSERT_THAT(Ids(response), ElementsAre("7", "8"));
  const auto& device = response.devices(0);
  EXPECT_EQ(device.lines(), 2);
  EXPECT_EQ(device.banknotes_minor(), 1520);
  EXPECT_EQ(device.coins_minor(), 75);
  EXPECT_EQ(device.total_minor(), 1595);
  EXPECT_EQ(device.last_at().seconds() - device.first_at().seconds(), 4);
}

TEST_F(CollectionDevicesTest, DaysLimitTheSumsAndNotTheDevices) {
  ASSERT_TRUE(RecordAll({LineAt("2026-10-24 23:59:59").Device("7").Notes(1),
                         LineAt("2026-10-25 00:00:00").Device("7").Notes(2),
                         LineAt("2026-10-25 23:59:59").Device("7").Notes(4),
                         LineAt("2026-10-26 00:00:00").Device("8").Notes(8)})
                  .ok());
  Request request;
  *request.mutable_days() = DaysOf(DayOf(2026, 10, 25), DayOf(2026, 10, 25));

  const auto response = List(request);

  ASSERT_THAT(Ids(response), ElementsAre("7", "8"));
  EXPECT_EQ(response.devices(0).total_minor(), 6);
  EXPECT_EQ(response.devices(1).lines(), 0);
  EXPECT_FALSE(response.devices(1).has_first_at());
}

TEST_F(CollectionDevicesTest, DeviceKnownOnlyFromTheLedgerIsListed) {
  database_.Execute("INSERT INTO aquifer.devices (device_id) VALUES ('0_Cards')");

  const auto response = List({});

  ASSERT_THAT(Ids(response), ElementsAre("0_Cards"));
  EXPECT_EQ(response.devices(0).total_minor(), 0);
}

TEST_F(CollectionDevicesTest, PagesTogetherAreEveryDeviceOnce) {
  database_.Execute(
      "INSERT INTO aquifer.devices (device_id) SELECT n::text FROM generate_series(1, 23) AS n");
  const auto all = Ids(List({}));
  Request request;
  request.set_page_size(5);

  std::vector<std::string> walked;
  int pages = 0;
  do {
    const auto page = List(request);
    for (const auto& id : Ids(page)) walked.push_back(id);
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());

  EXPECT_THAT(all, SizeIs(23));
  EXPECT_EQ(walked, all);
  EXPECT_EQ(pages, 5);
}

TEST_F(CollectionDevicesTest, LastFullPageHasNoNext) {
  database_.Execute("INSERT INTO aquifer.devices (device_id) VALUES ('1'), ('2')");
  Request request;
  request.set_page_size(2);

  EXPECT_THAT(List(request).next_page_token(), IsEmpty());
}

TEST_F(CollectionDevicesTest, TokenOfOtherDaysIsRefused) {
  database_.Execute("INSERT INTO aquifer.devices (device_id) VALUES ('1'), ('2')");
  Request request;
  request.set_page_size(1);
  request.set_page_token(List(request).next_page_token());
  *request.mutable_days() = DaysOf(DayOf(2026, 1, 1), DayOf(2026, 1, 1));

  const auto response = Call(&CollectionRepository::ListCollectionDevices, request);

  EXPECT_EQ(ReasonOf(response.status()), "PAGE_TOKEN_MISMATCH");
}

}  // namespace
}  // namespace aquifer
