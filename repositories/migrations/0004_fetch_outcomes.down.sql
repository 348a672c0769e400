DROP TABLE aquifer.fetch_outcomes;
