-- A country's turnover by status: all its orders, 5 000 of 300 000.
\set c random(0, 59)
SELECT o.status, count(*), max(o.placed)
FROM customers c JOIN orders o ON o.customer = c.id
WHERE c.country = :c AND c.rating > 1 GROUP BY o.status;
