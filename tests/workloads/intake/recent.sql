\set d random(1, 300000)
SELECT at, value FROM readings WHERE device = :d ORDER BY at DESC LIMIT 20;
