-- One customer's account with all lines.
\set c random(1, 40000)
SELECT o.id, o.placed, o.status, sum(l.quantity * l.price), string_agg(p.name, ', ' ORDER BY l.no)
FROM orders o JOIN lines l ON l."order" = o.id JOIN products p ON p.id = l.product
WHERE o.customer = :c GROUP BY o.id ORDER BY o.placed DESC;
