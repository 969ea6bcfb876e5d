-- What is open since the spring and has certain remarks: no index helps, the table is read.
\set r random(0, 8)
SELECT count(*), min(placed), max(customer)
FROM orders
WHERE status = :r AND placed > timestamptz '2024-03-01' AND customer % 3 <> 1 AND remark > '8' AND remark < 'e' AND id % 2 = 0;
