-- The instant a wall-clock time of the fleet's zone means. The zone is the session's TimeZone, which
-- every connection of Aquifer sets. A time that occurs twice means its first occurrence; one that
-- does not occur gives NULL. The two candidates use the offsets in force a day before and after.
CREATE FUNCTION aquifer.civil_instant(wall timestamp) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE
AS $$
  SELECT min(candidate.at)
  FROM (VALUES (wall - interval '1 day'), (wall + interval '1 day')) AS near (time),
       LATERAL (SELECT (wall - ((near.time AT TIME ZONE 'UTC')::timestamp - near.time))
                       AT TIME ZONE 'UTC' AS at) AS candidate
  WHERE candidate.at::timestamp = wall
$$;
