-- A device reports: ten readings and its own row.
\set d random(1, 300000)
\set t random(1, 1000000000)
BEGIN;
INSERT INTO readings (device, at, token, value)
SELECT 1 + (:d + g * 30011) % 300000, timestamptz '2025-01-01 00:00+00' + :t * interval '1 millisecond',
       md5((:t + g)::text), :d % 100 + g
FROM generate_series(1, 10) g;
UPDATE devices SET seen = now(), value = :t % 1000, alarms = alarms + (:t % 50 = 0)::int WHERE id = :d;
END;
