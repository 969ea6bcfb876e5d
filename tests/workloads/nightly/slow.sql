-- The slowest visits of pages of one half of the sections with what is known of the page.
\set s random(0, 29)
SELECT v.id, v.ms, p.title, left(p.meta, 20)
FROM visits v JOIN pages p ON p.id = v.page
WHERE p.section BETWEEN :s AND :s + 29 AND v.ms > 3000
ORDER BY v.ms DESC, v.bytes DESC LIMIT 100;
