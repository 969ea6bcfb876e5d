\set w random(1, 50000)
SELECT id, meaning FROM words WHERE word = md5(:w::text);
