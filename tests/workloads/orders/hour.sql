-- The orders of some hours, with their lines.
\set h random(0, 8000)
SELECT o.status, count(DISTINCT o.id), sum(l.price * l.quantity)
FROM orders o JOIN lines l ON l."order" = o.id
WHERE o.placed >= timestamptz '2024-01-01 00:00+00' + :h * interval '1 hour'
  AND o.placed < timestamptz '2024-01-01 00:00+00' + (:h + 12) * interval '1 hour'
GROUP BY o.status;
