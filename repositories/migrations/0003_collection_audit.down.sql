DROP TABLE aquifer.collection_audit;
