\set w random(1, 50000)
SELECT word, meaning FROM words WHERE id = :w;
