-- The texts in use, and by how many customers: one group for each of 25 000 texts.
\set d random(0, 840)
SELECT count(*), max(n), max(total)
FROM (SELECT body, count(*) AS n, sum(amount) AS total, max(customer) AS customer
      FROM offers WHERE day BETWEEN date '2021-01-01' + :d AND date '2021-01-01' + :d + 199
      GROUP BY body) g
WHERE customer > 10;
