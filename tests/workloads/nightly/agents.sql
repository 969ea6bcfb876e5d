\set d random(0, 35)
SELECT agent, count(*), avg(ms), max(bytes)
FROM visits
WHERE ms > 500 AND at >= timestamptz '2024-01-01 00:00+00' + :d * interval '1 day'
GROUP BY agent ORDER BY 2 DESC LIMIT 50;
