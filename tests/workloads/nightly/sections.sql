\set m random(1, 4000)
SELECT p.section, count(*), sum(v.bytes), avg(v.ms), count(*) FILTER (WHERE v.ms > :m)
FROM visits v JOIN pages p ON p.id = v.page
WHERE v.bytes % 7 <> :m % 7 GROUP BY p.section ORDER BY 2 DESC;
