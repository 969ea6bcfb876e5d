-- A quarter by region: joins 14 000 offers with all customers and their addresses.
\set d random(0, 940)
SELECT c.region, count(DISTINCT c.id), sum(s.amount), max(c.address)
FROM offers s JOIN customers c ON c.id = s.customer
WHERE s.day BETWEEN date '2021-01-01' + :d AND date '2021-01-01' + :d + 89
GROUP BY c.region ORDER BY 3 DESC;
