// Machines and technicians.
#include <gtest/gtest.h>

#include <string>

#include "repositories/enum_text.h"
#include "tests/testing/maintenance_test.h"

namespace aquifer {
namespace {

using testing::At;

class MaintenanceMachinesTest : public testing::MaintenanceTest {
 protected:
  absl::StatusOr<v1::UpsertMachinesResponse> Upsert(const std::string& machines) {
    return Call(&MaintenanceRepository::UpsertMachines, machines);
  }

  static std::string OutcomesOf(const absl::StatusOr<v1::UpsertMachinesResponse>& response) {
    if (!response.ok()) return std::string(response.status().message());
    std::string text;
    for (const auto& result : response->results()) {
      text += (text.empty() ? "" : " ") + EnumText(result.outcome());
    }
    return text;
  }

  // The ids of the machines a filter selects.
  std::string Listed(const std::string& filter) {
    const auto answer = Call(&MaintenanceRepository::ListMachines, "filter { " + filter + " }");
    if (!answer.ok()) return std::string(answer.status().message());
    std::string ids;
    for (const auto& machine : answer->machines()) {
      ids += (ids.empty() ? "" : " ") + machine.device_id();
    }
    return ids;
  }
};

constexpr char kWhole[] =
    "name: 'Центральна' location: 'Kyiv' status: MACHINE_STATUS_LOW_WATER water_level_percent: 7 "
    "daily_sales_millilitres: 1500 monthly_sales_millilitres: 999999999999 "
    "last_maintenance_at { seconds: 1000 } next_maintenance_at { seconds: 2000 } "
    "filter_life_days: 30 alerts { texts: 'door \"open\"' texts: 'a,b {c} \\\\' texts: 'NULL' }";

TEST_F(MaintenanceMachinesTest, ANewMachineReadsBackWithEveryField) {
  CreateMachine("0_Cards", kWhole);

  const v1::Machine machine = GetMachine("0_Cards");

  EXPECT_EQ(machine.device_id(), "0_Cards");
  EXPECT_EQ(machine.details().DebugString(),
            testing::Parsed<v1::MachineDetails>(kWhole).DebugString());
  EXPECT_EQ(machine.water_quality(), v1::WATER_QUALITY_UNSPECIFIED);
  EXPECT_FALSE(machine.has_water_quality_tested_at());
  EXPECT_EQ(machine.version(), 1);
}

TEST_F(MaintenanceMachinesTest, AnEntryLeavesWhatItDoesNotSay) {
  CreateMachine("1", kWhole);

  const auto answer = Upsert("machines { device_id: '1' details { water_level_percent: 90 } }");

  EXPECT_EQ(OutcomesOf(answer), "updated");
  v1::MachineDetails expected = testing::Parsed<v1::MachineDetails>(kWhole);
  expected.set_water_level_percent(90);
  EXPECT_EQ(GetMachine("1").details().DebugString(), expected.DebugString());
  EXPECT_EQ(GetMachine("1").version(), 2);
}

TEST_F(MaintenanceMachinesTest, ARepeatChangesNothing) {
  const std::string entry = std::string("machines { device_id: '1' details { ") + kWhole + " } }";
  ASSERT_EQ(OutcomesOf(Upsert(entry)), "inserted");
  const std::string before =
      Value("SELECT concat_ws(' ', version, updated_at) FROM aquifer.machines");

  EXPECT_EQ(OutcomesOf(Upsert(entry)), "unchanged");
  EXPECT_EQ(OutcomesOf(Upsert("machines { device_id: '1' }")), "unchanged");

  EXPECT_EQ(Value("SELECT concat_ws(' ', version, updated_at) FROM aquifer.machines"), before);
}

TEST_F(MaintenanceMachinesTest, AnUpsertMovesTheLastMaintenanceForwardOnlyAndClearsAlerts) {
  CreateMachine("1", kWhole);

  EXPECT_EQ(OutcomesOf(Upsert("machines { device_id: '1' details { " +
                              At("last_maintenance_at", 999) + " } }")),
            "unchanged");
  EXPECT_EQ(OutcomesOf(Upsert("machines { device_id: '1' details { alerts {} " +
                              At("last_maintenance_at", 1001) + " } }")),
            "updated");

  EXPECT_EQ(GetMachine("1").details().last_maintenance_at().seconds(), 1001);
  EXPECT_EQ(GetMachine("1").details().alerts().texts_size(), 0);
}

TEST_F(MaintenanceMachinesTest, AThousandMachinesHaveAnOutcomeEachAndABadOneFailsAlone) {
  v1::UpsertMachinesRequest request;
  for (int i = 0; i < 1000; ++i) {
    request.add_machines()->set_device_id(std::to_string(i));
    if (i % 2) request.mutable_machines(i)->mutable_details()->set_name("odd");
  }
  request.mutable_machines(500)->mutable_details()->set_water_level_percent(101);
  const auto first = Call(&MaintenanceRepository::UpsertMachines, request);
  request.mutable_machines(500)->mutable_details()->set_water_level_percent(100);
  request.mutable_machines(501)->mutable_details()->set_name("renamed");
  const auto second = Call(&MaintenanceRepository::UpsertMachines, request);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->results_size(), 1000);
  EXPECT_EQ(first->counts().ShortDebugString(), "inserted: 999 rejected: 1");
  EXPECT_EQ(first->results(500).outcome(), v1::RECORD_OUTCOME_REJECTED);
  EXPECT_EQ(first->results(500).rejection().problems(0).field(),
            "machines[500].details.water_level_percent");
  EXPECT_EQ(second->counts().ShortDebugString(), "inserted: 1 updated: 1 unchanged: 998");
  EXPECT_EQ(second->results(500).outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(second->results(501).outcome(), v1::RECORD_OUTCOME_UPDATED);
  EXPECT_EQ(second->results(501).version(), 2);
}

TEST_F(MaintenanceMachinesTest, EntriesOfOneMachineBehaveAsIfInTurn) {
  EXPECT_EQ(OutcomesOf(Upsert("machines { device_id: '1' details { name: 'a' } } "
                              "machines { device_id: '2' } "
                              "machines { device_id: '1' details { name: 'b' } } "
                              "machines { device_id: '1' details { name: 'b' } } "
                              "machines { device_id: '' }")),
            "inserted inserted updated unchanged rejected");
  EXPECT_EQ(GetMachine("1").details().name(), "b");
}

TEST_F(MaintenanceMachinesTest, AnUpdateChangesAndClearsWhatTheMaskNames) {
  CreateMachine("1", kWhole);

  const auto updated =
      Call(&MaintenanceRepository::UpdateMachine,
           "device_id: '1' version: 1 details { name: 'new' "
           "status: MACHINE_STATUS_OPERATIONAL last_maintenance_at { seconds: 5 } } "
           "update_mask { paths: 'name' paths: 'status' paths: 'alerts' "
           "paths: 'water_level_percent' paths: 'last_maintenance_at' "
           "paths: 'next_maintenance_at' paths: 'daily_sales_millilitres' }");

  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->machine().details().DebugString(),
            testing::Parsed<v1::MachineDetails>(
                "name: 'new' location: 'Kyiv' status: MACHINE_STATUS_OPERATIONAL "
                "monthly_sales_millilitres: 999999999999 last_maintenance_at { seconds: 5 } "
                "filter_life_days: 30 alerts {}")
                .DebugString());
  EXPECT_EQ(updated->machine().version(), 2);
}

TEST_F(MaintenanceMachinesTest, AnUpdateIsRefusedByVersionByNameAndByField) {
  CreateMachine("1");
  const auto update = [&](const std::string& request) {
    return Call(&MaintenanceRepository::UpdateMachine, request).status();
  };

  EXPECT_EQ(update("device_id: '1' version: 2 details {} update_mask { paths: 'name' }").message(),
            "machine 1 has version 1, not 2");
  EXPECT_EQ(ReasonOf(update("device_id: '9' version: 2 details {} update_mask { paths: 'name' }")),
            "MACHINE_NOT_FOUND");
  EXPECT_EQ(
      update("device_id: '1' version: 1 details {} update_mask { paths: 'status' }").message(),
      "details.status must be set where the mask names it");
  EXPECT_EQ(ReasonOf(Call(&MaintenanceRepository::GetMachine, "device_id: '9'").status()),
            "MACHINE_NOT_FOUND");
}

TEST_F(MaintenanceMachinesTest, EveryFilterSelectsMachines) {
  CreateMachine("1", kWhole);
  CreateMachine("2", "name: 'Північна' water_level_percent: 50 filter_life_days: 300");
  CreateMachine("3", "status: MACHINE_STATUS_OUT_OF_SERVICE " + At("next_maintenance_at", 3000));
  ASSERT_TRUE(Call(&MaintenanceRepository::RecordWaterQualityTest,
                   "reading { device_id: '2' overall_rating: WATER_QUALITY_POOR }")
                  .ok());

  EXPECT_EQ(Listed(""), "1 2 3");
  EXPECT_EQ(Listed("device_ids: '3' device_ids: '1' device_ids: '9'"), "1 3");
  EXPECT_EQ(Listed("statuses: MACHINE_STATUS_LOW_WATER"), "1");
  EXPECT_EQ(Listed("statuses: MACHINE_STATUS_LOW_WATER statuses: MACHINE_STATUS_OUT_OF_SERVICE"),
            "1 3");
  EXPECT_EQ(Listed("water_qualities: WATER_QUALITY_POOR"), "2");
  EXPECT_EQ(Listed("max_water_level_percent: 7"), "1");
  EXPECT_EQ(Listed("max_water_level_percent: 6"), "");
  EXPECT_EQ(Listed("max_filter_life_days: 300"), "1 2");
  EXPECT_EQ(Listed(At("maintenance_due_by", 2000)), "1");
  EXPECT_EQ(Listed("with_alerts_only: true"), "1");
  EXPECT_EQ(Listed("text: 'північна'"), "2");
  EXPECT_EQ(Listed("text: 'kyiv'"), "1");
  EXPECT_EQ(Listed("statuses: MACHINE_STATUS_UNSPECIFIED"),
            "filter.statuses must not hold UNSPECIFIED");
}

TEST_F(MaintenanceMachinesTest, MachinesArePagedByTheirId) {
  for (int i = 0; i < 25; ++i) CreateMachine(std::to_string(i));
  v1::ListMachinesRequest request;
  request.set_page_size(10);
  std::string ids;
  int pages = 0;

  do {
    const auto answer = Call(&MaintenanceRepository::ListMachines, request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (const auto& machine : answer->machines()) ids += machine.device_id() + " ";
    request.set_page_token(answer->next_page_token());
    ++pages;
  } while (!request.page_token().empty());

  EXPECT_EQ(pages, 3);
  EXPECT_EQ(ids, Value("SELECT string_agg(device_id, ' ' ORDER BY device_id) || ' ' "
                       "FROM aquifer.machines"));
}

TEST_F(MaintenanceMachinesTest, EveryDeclaredEnumValueFitsItsColumn) {
  CreateMachine("1");
  const std::int64_t technician = CreateTechnician();
  const auto fits = [&](const google::protobuf::EnumDescriptor& type, const std::string& column) {
    const std::string table = column.substr(0, column.find('.'));
    for (int i = 1; i < type.value_count(); ++i) {
      const std::string text = EnumText(type, type.value(i)->number());
      database_.Execute("UPDATE aquifer." + table + " SET " + column.substr(table.size() + 1) +
                        " = '" + text + "'");
      EXPECT_EQ(EnumNumber(type, text), type.value(i)->number()) << text;
    }
  };
  const v1::MaintenanceTask task =
      CreateTask(At("scheduled_at", 9), "technician_id: " + std::to_string(technician));
  ASSERT_TRUE(Call(&MaintenanceRepository::RecordWaterQualityTest,
                   "reading { device_id: '1' overall_rating: WATER_QUALITY_POOR }")
                  .ok());

  fits(*v1::MachineStatus_descriptor(), "machines.status");
  fits(*v1::WaterQuality_descriptor(), "machines.water_quality");
  fits(*v1::WaterQuality_descriptor(), "water_quality_tests.overall_rating");
  fits(*v1::TaskType_descriptor(), "maintenance_tasks.type");
  fits(*v1::TaskPriority_descriptor(), "maintenance_tasks.priority");
  fits(*v1::Specialization_descriptor(), "technicians.specialization");
  fits(*v1::TechnicianStatus_descriptor(), "technicians.status");
  EXPECT_EQ(EnumNumber(*v1::TaskStatus_descriptor(), "urgent"), 0);
}

class MaintenanceTechniciansTest : public MaintenanceMachinesTest {};

TEST_F(MaintenanceTechniciansTest, ATechnicianReadsBackAndCountsWhatIsOpen) {
  const std::int64_t id = CreateTechnician(
      "name: 'Ольга' phone: '+380' email: 'o@x' current_location: 'Lviv' "
      "specialization: SPECIALIZATION_PLUMBING status: TECHNICIAN_STATUS_BUSY");
  const std::string who = "technician_id: " + std::to_string(id);
  CreateTask("", who);
  ASSERT_TRUE(Move(CreateTask("", who), v1::TASK_STATUS_COMPLETED).ok());

  const auto read = Call(&MaintenanceRepository::GetTechnician, "id: " + std::to_string(id));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->technician().details().DebugString(),
            testing::Parsed<v1::TechnicianDetails>(
                "name: 'Ольга' phone: '+380' email: 'o@x' current_location: 'Lviv' "
                "specialization: SPECIALIZATION_PLUMBING status: TECHNICIAN_STATUS_BUSY")
                .DebugString());
  EXPECT_EQ(read->technician().open_tasks(), 1);
  EXPECT_EQ(read->technician().version(), 1);
}

TEST_F(MaintenanceTechniciansTest, AnUpdateChangesWhatTheMaskNames) {
  CreateTechnician("name: 'a' phone: '1' email: 'e'");
  const auto update = [&](const std::string& rest) {
    return Call(&MaintenanceRepository::UpdateTechnician, "id: 1 version: 1 " + rest);
  };

  EXPECT_EQ(update("details {} update_mask { paths: 'status' }").status().message(),
            "details.status must be set where the mask names it");
  EXPECT_EQ(update("details {} update_mask { paths: 'name' }").status().message(),
            "details.name is required");
  const auto updated = update(
      "details { phone: '' status: TECHNICIAN_STATUS_OFF_DUTY name: 'ignored' } "
      "update_mask { paths: 'phone' paths: 'status' }");
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->technician().details().name(), "a");
  EXPECT_EQ(updated->technician().details().phone(), "");
  EXPECT_EQ(updated->technician().details().email(), "e");
  EXPECT_EQ(updated->technician().details().specialization(), v1::SPECIALIZATION_GENERAL);
  EXPECT_EQ(updated->technician().details().status(), v1::TECHNICIAN_STATUS_OFF_DUTY);
  EXPECT_EQ(update("details { name: 'b' } update_mask { paths: 'name' }").status().message(),
            "technician 1 has version 2, not 1");
  EXPECT_EQ(ReasonOf(Call(&MaintenanceRepository::GetTechnician, "id: 9").status()),
            "TECHNICIAN_NOT_FOUND");
}

TEST_F(MaintenanceTechniciansTest, ListsAreFilteredAndPaged) {
  CreateTechnician("name: 'Олена' status: TECHNICIAN_STATUS_BUSY");
  CreateTechnician("name: 'Petro' specialization: SPECIALIZATION_FILTERS phone: '+380 67'");
  CreateTechnician("name: 'Ivan' specialization: SPECIALIZATION_FILTERS");
  const auto names = [&](const std::string& request) {
    const auto answer = Call(&MaintenanceRepository::ListTechnicians, request);
    if (!answer.ok()) return std::string(answer.status().message());
    std::string text;
    for (const auto& technician : answer->technicians()) text += technician.details().name() + " ";
    return text + (answer->next_page_token().empty() ? "" : "more");
  };

  EXPECT_EQ(names(""), "Олена Petro Ivan ");
  EXPECT_EQ(names("page_size: 2"), "Олена Petro more");
  EXPECT_EQ(names("specializations: SPECIALIZATION_FILTERS"), "Petro Ivan ");
  EXPECT_EQ(names("statuses: TECHNICIAN_STATUS_BUSY"), "Олена ");
  EXPECT_EQ(names("text: 'ОЛЕНА'"), "Олена ");
  EXPECT_EQ(names("text: '0 67'"), "Petro ");
  EXPECT_EQ(names("statuses: TECHNICIAN_STATUS_UNSPECIFIED"), "statuses must not hold UNSPECIFIED");
}

}  // namespace
}  // namespace aquifer
