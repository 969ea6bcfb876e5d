-- Fills the shop of schema.sql: two years of trade, 2024 and 2025, always the same rows.
-- hashint4() scatters, so neighbouring orders belong to customers and products that lie
-- anywhere in their tables, as in a real shop. Popular products sell more (the power term).

INSERT INTO categories
SELECT g, 'Category ' || g
FROM generate_series(1, 150) AS g;

INSERT INTO products
SELECT g,
       1 + (hashint4(g) & 2147483647) % 150,
       'Product ' || g || ' ' || substr(md5(g::text), 1, 12),
       199 + (hashint4(g + 1000000) & 2147483647) % 20000,
       1000000
FROM generate_series(1, 10000) AS g;

INSERT INTO customers
SELECT g,
       'customer' || g || '@example.com',
       'Customer ' || substr(md5(g::text), 1, 10),
       (hashint4(g) & 127) || ' ' || substr(md5((g + 1)::text), 1, 20) || ' Street',
       'City ' || 1 + (hashint4(g + 2000000) & 2147483647) % 100,
       (ARRAY['DE', 'FR', 'IT', 'ES', 'PL', 'NL', 'SE', 'AT'])[1 + (hashint4(g + 2000000) & 7)],
       timestamptz '2020-01-01 00:00+00' + g * interval '52 minutes'
FROM generate_series(1, 40000) AS g;

INSERT INTO orders (id, customer_id, ordered_at, total_cents, status)
SELECT g,
       1 + (hashint4(g) & 2147483647) % 40000,
       timestamptz '2024-01-01 00:00+00' + g * interval '420 seconds',
       999 + (hashint4(g + 3000000) & 2147483647) % 30000,
       'delivered'
FROM generate_series(1, 150000) AS g;

INSERT INTO order_items
SELECT g,
       line,
       1 + (hashint4(g * 4 + line) & 3),
       1 + floor(10000 * power((hashint4(g * 4 + line + 4000000) & 1048575) / 1048576.0::float8,
                               1.5))::integer,
       199 + (hashint4(g * 4 + line + 5000000) & 2147483647) % 20000
FROM generate_series(1, 150000) AS g,
     generate_series(1, 1 + (hashint4(g + 4000000) & 3)) AS line;

-- A visit is three pages of one visitor, who came by one link.
INSERT INTO page_views
SELECT timestamptz '2024-01-01 00:00+00' + g * interval '140 seconds',
       1 + (hashint4(g / 3) & 2147483647) % 40000,
       1 + (hashint4(g + 7000000) & 2147483647) % 10000,
       1 + (hashint4(g + 8000000) & 2147483647) % 600,
       'https://www.example.com/search/landing-page?utm_source=' ||
           (ARRAY['newsletter', 'search', 'social', 'partner'])[1 + (hashint4(g / 3) & 3)] ||
           '&utm_medium=cpc&utm_campaign=collection-' || (hashint4(g / 3) & 31) ||
           '&utm_term=shoes+and+bags&click=' || repeat(md5((g / 3)::text), 8)
FROM generate_series(1, 450000) AS g;

ALTER TABLE orders ALTER COLUMN id RESTART WITH 150001;

ALTER TABLE categories ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id);
ALTER TABLE customers ADD PRIMARY KEY (id);
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE order_items ADD PRIMARY KEY (order_id, line);

CREATE INDEX products_category ON products (category_id);
CREATE UNIQUE INDEX customers_email ON customers (email);
CREATE INDEX customers_city ON customers (city);
CREATE INDEX orders_customer ON orders (customer_id, ordered_at);
CREATE INDEX orders_time ON orders (ordered_at);
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX page_views_time ON page_views (viewed_at);
CREATE INDEX page_views_customer ON page_views (customer_id, viewed_at);
CREATE INDEX page_views_product ON page_views (product_id, viewed_at);

ALTER TABLE products ADD FOREIGN KEY (category_id) REFERENCES categories (id);
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders (id);
ALTER TABLE order_items ADD FOREIGN KEY (product_id) REFERENCES products (id);

VACUUM ANALYZE categories, products, customers, orders, order_items, page_views;
