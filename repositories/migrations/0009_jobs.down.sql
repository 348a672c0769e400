DROP TABLE aquifer.deliveries;
DROP TABLE aquifer.job_runs;
