\set c random(1, 60000)
SELECT s.day, s.amount, c.name FROM offers s JOIN customers c ON c.id = s.customer
WHERE s.customer = :c ORDER BY s.day DESC LIMIT 20;
