-- Who buys a product.
\set p random(1, 8000)
SELECT c.country, count(*), sum(l.quantity)
FROM lines l JOIN orders o ON o.id = l."order" JOIN customers c ON c.id = o.customer
WHERE l.product = :p GROUP BY c.country ORDER BY 3 DESC LIMIT 5;
