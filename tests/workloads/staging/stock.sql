\set i random(1, 99900)
SELECT count(*), sum(amount), max(changed) FROM stock WHERE item BETWEEN :i AND :i + 80;
