-- A customer signs in by e-mail and opens a product: who is it, what did they order last,
-- what did they look at, and who else looked at this product?
\set customer random(1, 40000)
\set product random(1, 10000)
SELECT id, name, city FROM customers WHERE email = 'customer' || :customer || '@example.com';
SELECT o.id, o.ordered_at, o.status, i.quantity, p.name
FROM orders o
JOIN order_items i ON i.order_id = o.id
JOIN products p ON p.id = i.product_id
WHERE o.customer_id = :customer
ORDER BY o.ordered_at DESC
LIMIT 10;
SELECT v.viewed_at, p.name, p.price_cents
FROM page_views v JOIN products p ON p.id = v.product_id
WHERE v.customer_id = :customer
ORDER BY v.viewed_at DESC
LIMIT 10;
SELECT viewed_at, customer_id, seconds
FROM page_views
WHERE product_id = :product
ORDER BY viewed_at DESC
LIMIT 20;
