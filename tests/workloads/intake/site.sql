\set s random(0, 399)
SELECT count(*), avg(value), max(seen), sum(alarms) FROM devices WHERE site = :s;
