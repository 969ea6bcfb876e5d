-- Which links brought the visitors who stayed longest, over six weeks?
\set week random(0, 90)
SELECT arrived_by, count(*) AS pages, sum(seconds) AS stayed
FROM page_views
WHERE viewed_at >= timestamptz '2024-01-08' + :week * interval '1 week'
  AND viewed_at < timestamptz '2024-01-08' + (:week + 6) * interval '1 week'
GROUP BY arrived_by
ORDER BY stayed DESC
LIMIT 20;
