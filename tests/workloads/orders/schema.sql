-- Orders, their lines and what was delivered. About 250 MB.
CREATE TABLE customers (id int PRIMARY KEY, country int NOT NULL, name text NOT NULL, rating int NOT NULL);
INSERT INTO customers SELECT i, i % 60, 'customer ' || i, i % 7 FROM generate_series(1, 40000) i;
CREATE INDEX ON customers (country);

CREATE TABLE products (id int PRIMARY KEY, category int NOT NULL, name text NOT NULL, price numeric(8, 2) NOT NULL);
INSERT INTO products SELECT i, i % 80, 'product ' || i, (i * 37 % 9000) / 100.0 FROM generate_series(1, 8000) i;
CREATE INDEX ON products (category);

CREATE TABLE orders (
    id int PRIMARY KEY,
    customer int NOT NULL,
    placed timestamptz NOT NULL,
    status int NOT NULL,
    remark text NOT NULL
);
INSERT INTO orders
SELECT i, 1 + (i * 7919::bigint) % 40000, timestamptz '2024-01-01 00:00+00' + i * interval '100 seconds', i % 9,
       repeat(md5(i::text), 3)
FROM generate_series(1, 300000) i;
CREATE INDEX ON orders (customer);
CREATE INDEX ON orders (placed);

CREATE TABLE lines (
    "order" int NOT NULL,
    no int NOT NULL,
    product int NOT NULL,
    quantity int NOT NULL,
    price numeric(8, 2) NOT NULL,
    PRIMARY KEY ("order", no)
);
INSERT INTO lines
SELECT 1 + (i * 104729::bigint) % 300000, i / 300000, 1 + (i * 31::bigint) % 8000, 1 + i % 5, (i % 9000) / 100.0
FROM generate_series(0, 1199999) i;
CREATE INDEX ON lines (product);
VACUUM ANALYZE;
