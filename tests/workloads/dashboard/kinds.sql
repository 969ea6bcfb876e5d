-- Kinds of tickets in some hours, and how they compare with those before.
\set h random(100, 4300)
SELECT kind, count(*) FILTER (WHERE opened >= timestamptz '2024-01-01 00:00+00' + :h * interval '1 hour') AS now,
       count(*) AS both, stddev(minutes)
FROM tickets
WHERE opened >= timestamptz '2024-01-01 00:00+00' + (:h - 12) * interval '1 hour'
  AND opened < timestamptz '2024-01-01 00:00+00' + (:h + 12) * interval '1 hour'
GROUP BY kind ORDER BY now DESC;
