DROP FUNCTION aquifer.drop_request_partition(interval);
DROP FUNCTION aquifer.make_request_partition(integer);
DROP FUNCTION aquifer.claim_request(uuid);
DROP TABLE aquifer.requests;
