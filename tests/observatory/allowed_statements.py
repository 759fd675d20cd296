"""Statements that a reader may run, although they look like forbidden ones."""

ALLOWED = r"""
SELECT 1
SELECT 1;
  SELECT 1 -- DROP TABLE otel.otel_logs
/* INSERT INTO x */ SELECT 1
SELECT 'DROP TABLE otel.otel_logs; INSERT INTO x'
SELECT 'INTO OUTFILE ''@folder/out''' AS a
SELECT 'file(''@secret'')' -- file('@secret')
SELECT 1 AS `file('@secret')`
SELECT 1 AS "INTO OUTFILE"
SELECT 1 AS `DROP`, 2 AS `SETTINGS readonly = 0`
SELECT 1 AS file, 2 AS url, 3 AS remote
SELECT x.a FROM (SELECT 1 AS a) AS x
SELECT profile FROM (SELECT 1 AS profile)
SELECT outfile, `into` FROM (SELECT 1 AS outfile, 2 AS `into`)
SELECT $$file('@secret'); DROP TABLE x$$
SELECT 'a\\'b; file(' , 'c'
SELECT '\\\\', 'INTO OUTFILE'
SELECT extractURLParameter('http://127.0.0.1:@port/?file=x', 'file')
SELECT domain('http://127.0.0.1:@port/file(x)')
SELECT count() FROM otel.otel_logs WHERE Body LIKE '%INSERT INTO%'
SELECT count() FROM otel.otel_logs WHERE Body IN ('DROP', 'file(')
SELECT LogAttributes['file'], LogAttributes['url'] FROM otel.otel_logs LIMIT 1
SELECT number FROM numbers(3) WHERE number IN (SELECT 1)
SELECT * FROM values('a Int8, b String', (1, 'file('), (2, 'INTO OUTFILE'))
SELECT * FROM view(SELECT 1)
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT max(n) FROM r
WITH otel_traces AS (SELECT 1 AS a) SELECT a FROM otel_traces
(SELECT 1) UNION ALL (SELECT 2)
FROM system.one SELECT dummy
SELECT a, count() FROM (SELECT 1 AS a) GROUP BY a WITH TOTALS
SELECT sum(number) OVER (ORDER BY number) FROM numbers(3)
SELECT arrayMap(x -> x + 1, [1, 2])
SELECT * EXCEPT(a) FROM (SELECT 1 AS a, 2 AS b)
SELECT * APPLY(toString) FROM (SELECT 1 AS a)
SELECT quantilesTDigest(0.5, 0.99)(Duration) FROM otel.otel_traces
SELECT count() FROM otel.otel_traces WHERE Timestamp > now() - INTERVAL 1 HOUR
SELECT TraceId FROM otel.otel_traces ARRAY JOIN Events.Name AS name WHERE name = 'x'
SELECT t.TraceId FROM otel.otel_traces AS t LEFT JOIN otel.otel_logs AS l ON t.TraceId = l.TraceId
SELECT name FROM system.tables WHERE database = 'otel'
SELECT value FROM system.settings WHERE name = 'readonly'
SHOW TABLES FROM otel
SHOW TABLES FROM otel LIKE '%file%'
SHOW TABLES FROM otel NOT ILIKE 'INSERT%' LIMIT 3
SHOW DATABASES
SHOW CREATE TABLE otel.otel_logs
SHOW COLUMNS FROM otel_logs FROM otel
DESCRIBE otel.otel_logs
DESC TABLE "otel"."otel_logs"
EXISTS TABLE otel.otel_logs
EXISTS DATABASE otel
EXISTS otel.nothing
EXPLAIN SELECT count() FROM otel.otel_logs
EXPLAIN AST SELECT 1
EXPLAIN SYNTAX SELECT 1
EXPLAIN QUERY TREE SELECT 1
EXPLAIN PIPELINE SELECT count() FROM otel.otel_traces
EXPLAIN indexes = 1 SELECT count() FROM otel.otel_traces WHERE TraceId = 'x'
EXPLAIN ESTIMATE SELECT count() FROM otel.otel_traces
SELECT 1 FORMAT JSON
SELECT 1 AS FORMAT, 2 AS SETTINGS
"""
