-- Two questions of the sales desk, asked in turn at random.
\set which random(1, 2)
\set city random(1, 100)
\set category random(1, 150)
\if :which = 1
-- Who are the best customers of one city in 2025, and what did their middle order cost?
SELECT rank() OVER (ORDER BY sum(o.total_cents) DESC) AS place, c.name, count(*) AS orders,
       sum(o.total_cents) AS spent,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total_cents) AS median
FROM customers c JOIN orders o ON o.customer_id = c.id
WHERE c.city = 'City ' || :city AND o.ordered_at >= '2025-01-01' AND o.ordered_at < '2026-01-01'
GROUP BY c.id
ORDER BY place
LIMIT 20;
\else
-- Which products of one category sold best?
SELECT p.id, p.name, sum(i.quantity) AS units, sum(i.quantity * i.price_cents) AS revenue
FROM products p JOIN order_items i ON i.product_id = p.id
WHERE p.category_id = :category
GROUP BY p.id
ORDER BY revenue DESC
LIMIT 10;
\endif
