-- A roll-out: all devices of a site at once.
\set s random(0, 399)
\set v random(1, 1000000)
UPDATE devices SET firmware = md5(:v::text) || substr(firmware, 33) WHERE site = :s AND id % 8 = :v % 8;
