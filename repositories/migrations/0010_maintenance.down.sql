DROP TABLE aquifer.water_quality_tests;
DROP TABLE aquifer.maintenance_tasks;
DROP TABLE aquifer.technicians;
DROP TABLE aquifer.machines;
