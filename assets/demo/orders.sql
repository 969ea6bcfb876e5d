-- A customer buys two products: what do they cost together? The stock is booked, and an
-- earlier parcel leaves the house meanwhile.
\set customer random(1, 40000)
\set product random(1, 9999)
\set shipped random(100000, 150000)
BEGIN;
INSERT INTO orders (customer_id, total_cents)
SELECT :customer, sum(price_cents) FROM products WHERE id IN (:product, :product + 1)
RETURNING id AS new_order \gset
INSERT INTO order_items (order_id, line, quantity, product_id, price_cents)
SELECT :new_order, id - :product + 1, 1, id, price_cents
FROM products WHERE id IN (:product, :product + 1);
UPDATE products SET stock = stock - 1 WHERE id = :product;
UPDATE orders SET status = 'shipped' WHERE id = :shipped;
COMMIT;
