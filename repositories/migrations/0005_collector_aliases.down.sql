DROP TABLE aquifer.collector_aliases;
DROP TABLE aquifer.workers;
