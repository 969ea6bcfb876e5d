-- How did one week go, day by day, and how did the same week go a year before?
-- The calendar comes from generate_series, so that a day without any order has its line too.
\set week random(0, 50)
SELECT day::date, o.orders, o.revenue, v.views, o1.orders AS orders_before,
       o1.revenue AS revenue_before, v1.views AS views_before
FROM generate_series(timestamptz '2025-01-01' + :week * interval '1 week',
                     timestamptz '2025-01-07' + :week * interval '1 week',
                     interval '1 day') AS day
CROSS JOIN LATERAL (SELECT count(*) AS orders, sum(total_cents) AS revenue
                    FROM orders
                    WHERE ordered_at >= day AND ordered_at < day + interval '1 day') AS o
CROSS JOIN LATERAL (SELECT count(*) AS views
                    FROM page_views
                    WHERE viewed_at >= day AND viewed_at < day + interval '1 day') AS v
CROSS JOIN LATERAL (SELECT count(*) AS orders, sum(total_cents) AS revenue
                    FROM orders
                    WHERE ordered_at >= day - interval '364 days'
                      AND ordered_at < day - interval '363 days') AS o1
CROSS JOIN LATERAL (SELECT count(*) AS views
                    FROM page_views
                    WHERE viewed_at >= day - interval '364 days'
                      AND viewed_at < day - interval '363 days') AS v1
ORDER BY day;
