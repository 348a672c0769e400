DROP FUNCTION aquifer.civil_instant(timestamp);
