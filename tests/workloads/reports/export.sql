-- A page from the middle of an export that is ordered by amount: 250 days, some 40 MB.
\set d random(0, 800)
SELECT id, customer, amount, body FROM offers
WHERE day BETWEEN date '2021-01-01' + :d AND date '2021-01-01' + :d + 249
ORDER BY amount DESC, id LIMIT 20 OFFSET 36000;
