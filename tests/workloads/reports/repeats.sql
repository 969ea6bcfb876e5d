-- Which customers were offered the same thing again: sorts half a year of offers, some 30 MB, by customer.
\set d random(0, 860)
SELECT count(*) FILTER (WHERE body = before), sum(amount)
FROM (SELECT body, amount, lag(body) OVER (PARTITION BY customer ORDER BY day, id) AS before
      FROM offers WHERE day BETWEEN date '2021-01-01' + :d AND date '2021-01-01' + :d + 179) s;
