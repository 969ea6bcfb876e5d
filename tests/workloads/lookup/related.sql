\set w random(1, 50000)
SELECT r.kind, w.word FROM relations r JOIN words w ON w.id = r.b WHERE r.a = :w;
