-- Visitors by what they read: one group for each of 400 000 visitors.
\set b random(0, 100000)
SELECT width_bucket(n, 0, 20, 10), count(*), avg(total)
FROM (SELECT visitor, count(*) AS n, sum(bytes) AS total FROM visits WHERE bytes > :b GROUP BY visitor) v
GROUP BY 1 ORDER BY 1;
