DROP TABLE aquifer.collections;
DROP TABLE aquifer.devices;
