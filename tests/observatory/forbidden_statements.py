"""Statements that must not be run for a reader, one a line; see also allowed_statements.py.

@secret is a file that can be read, @folder one that can be written to, @port a port on which the
test listens.
"""

WRITING = r"""
INSERT INTO otel.otel_logs (Body) VALUES ('x')
INSERT INTO otel.otel_logs (Body) SELECT 'x'
insert into otel.otel_logs (Body) select 'x'
/* SELECT */ INSERT INTO otel.otel_logs (Body) SELECT 'x'
-- SELECT 1\nINSERT INTO otel.otel_logs (Body) SELECT 'x'
#!SELECT 1\nINSERT INTO otel.otel_logs (Body) SELECT 'x'
WITH x AS (SELECT 'y' AS Body) INSERT INTO otel.otel_logs (Body) SELECT Body FROM x
INSERT INTO FUNCTION file('@folder/out', CSV) SELECT 1
INSERT INTO TABLE FUNCTION url('http://127.0.0.1:@port/') SELECT 1
INSERT INTO otel.otel_logs FROM INFILE '@secret' FORMAT CSV
CREATE TABLE otel.mine (a Int8) ENGINE = Memory
CREATE TEMPORARY TABLE mine (a Int8)
CREATE TABLE mine ENGINE = File(CSV, '@folder/out') AS SELECT 1
CREATE VIEW otel.mine AS SELECT 1
CREATE DATABASE mine
CREATE DICTIONARY otel.mine (a UInt8) PRIMARY KEY a SOURCE(FILE(PATH '@secret' FORMAT 'CSV'))
CREATE FUNCTION mine AS (x) -> x
CREATE USER mine
CREATE NAMED COLLECTION mine AS a = 1
CREATE OR REPLACE TABLE otel.otel_logs (a Int8) ENGINE = Memory
DROP TABLE otel.otel_logs
DROP DATABASE otel
DROP TABLE IF EXISTS otel.otel_logs SYNC
ALTER TABLE otel.otel_logs DELETE WHERE 1
ALTER TABLE otel.otel_logs DROP COLUMN Body
ALTER USER default IDENTIFIED BY 'x'
DELETE FROM otel.otel_logs WHERE 1
UPDATE otel.otel_logs SET Body = '' WHERE 1
TRUNCATE TABLE otel.otel_logs
RENAME TABLE otel.otel_logs TO otel.mine
EXCHANGE TABLES otel.otel_logs AND otel.otel_traces
ATTACH TABLE otel.mine FROM '@folder' (a Int8) ENGINE = Memory
DETACH TABLE otel.otel_logs
UNDROP TABLE otel.otel_logs
OPTIMIZE TABLE otel.otel_logs FINAL
CHECK TABLE otel.otel_logs
SYSTEM SHUTDOWN
SYSTEM STOP MERGES
SYSTEM FLUSH LOGS
KILL QUERY WHERE 1 SYNC
KILL MUTATION WHERE 1
SET readonly = 0
SET max_execution_time = 1000
SET ROLE ALL
USE otel
GRANT ALL ON *.* TO default
REVOKE ALL ON *.* FROM default
BACKUP DATABASE otel TO File('@folder/backup')
RESTORE DATABASE otel FROM File('@folder/backup')
EXECUTE AS default SELECT 1
BEGIN TRANSACTION
SELECT 1 INTO OUTFILE '@folder/out'
SELECT 1 into/**/outfile '@folder/out' FORMAT TSV
SELECT 1 INTO -- x\n OUTFILE '@folder/out' AND STDOUT FORMAT TSV
(SELECT 1) INTO OUTFILE '@folder/out'
SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '@folder/out' TRUNCATE FORMAT CSV
WITH 1 AS a SELECT a INTO OUTFILE '@folder/out' APPEND
FROM system.one SELECT 1 INTO OUTFILE '@folder/out' COMPRESSION 'gzip'
EXPLAIN SELECT 1 INTO OUTFILE '@folder/out'
DESCRIBE TABLE otel.otel_logs INTO OUTFILE '@folder/out'
SHOW TABLES FROM otel INTO OUTFILE '@folder/out'
SHOW CREATE TABLE otel.otel_logs INTO OUTFILE '@folder/out'
EXISTS TABLE otel.otel_logs INTO OUTFILE '@folder/out'
SELECT 1 AS `'` INTO OUTFILE '@folder/out' FORMAT `TSV`
"""
"""Statements whose refusal mentions the token."""

REACHING = r"""
SELECT file('@secret')
SELECT FILE('@secret')
SELECT `file`('@secret')
SELECT "file"('@secret')
SELECT f\x69le('@secret')
SELECT file/* */('@secret')
SELECT file -- x\n ('@secret')
SELECT '\\'' , file('@secret'), '\\''
SELECT 'it''s', file('@secret'), 'it''s'
SELECT 1 AS `'`, file('@secret') AS `'`
SELECT 1 AS "`", file('@secret') AS "`"
SELECT $$'$$, file('@secret'), $$'$$
SELECT $x$ ` $x$, file('@secret') AS `$x$`
SELECT '@secret' AS path, file(path)
SELECT '@secret' AS path, * APPLY(file) FROM (SELECT '@secret')
SELECT * APPLY file FROM (SELECT '@secret')
SELECT COLUMNS('.*') APPLY(file) FROM (SELECT '@secret')
SELECT arrayMap(file, ['@secret'])
SELECT arrayMap(x -> file(x), ['@secret'])
WITH (x -> file(x)) AS f SELECT f('@secret')
SELECT * FROM file('@secret')
SELECT * FROM file('@secret', CSV, 'a String, b String')
SELECT * FROM `file`('@secret')
SELECT * FROM loop(file('@secret'))
SELECT * FROM (SELECT * FROM (SELECT * FROM file('@secret')))
SELECT 1 WHERE 'secret' IN (SELECT a FROM file('@secret', CSV, 'a String, b String'))
SELECT (SELECT any(a) FROM file('@secret', CSV, 'a String, b String'))
SELECT 1 UNION ALL SELECT file('@secret')
SELECT 1 ORDER BY file('@secret')
SELECT count() FROM system.one JOIN file('@secret', CSV, 'a String, b String') AS f ON 1
SELECT * FROM view(SELECT * FROM file('@secret'))
SELECT * FROM viewIfPermitted(SELECT * FROM file('@secret') ELSE null('a String'))
SELECT * FROM eval('SELECT file(''@secret'')')
SELECT * FROM fileCluster('default', '@secret')
SELECT * FROM filesystem('@folder')
SELECT * FROM '@secret'
SELECT * FROM `@secret`
SELECT * FROM "@secret"
SELECT * FROM default.`@secret`
SELECT 'x' IN `@secret`
SELECT * FROM merge('default', '.*secret.*')
SELECT * FROM sqlite('@folder/out', 't')
SELECT * FROM `sqlite`('@folder/out', 't')
SELECT * FROM icebergLocal('@folder')
SELECT * FROM deltaLakeLocal('@folder')
SELECT * FROM executable('touch @folder/out', TSV, 'a String')
SELECT * FROM Python(sql)
SELECT * FROM python('nothing')
SELECT * FROM dictionary('nothing')
SELECT dictGet('nothing', 'a', 1)
SELECT joinGet('otel.otel_logs', 'Body', 1)
SELECT catboostEvaluate('@secret', 1)
SELECT evalMLMethod(1, 1)
SELECT aiGenerate('x', map('url', 'http://127.0.0.1:@port/'))
SELECT llm('x')
SELECT * FROM url('http://127.0.0.1:@port/x.csv')
SELECT * FROM url('http://127.0.0.1:@port/x.csv', CSV, 'a String') LIMIT 0
SELECT * FROM `http://127.0.0.1:@port/x.csv`
SELECT * FROM urlCluster('default', 'http://127.0.0.1:@port/x.csv')
SELECT * FROM s3('http://127.0.0.1:@port/bucket/x.csv', CSV, 'a String')
SELECT * FROM gcs('http://127.0.0.1:@port/bucket/x.csv')
SELECT * FROM iceberg('http://127.0.0.1:@port/bucket/')
SELECT * FROM deltaLake('http://127.0.0.1:@port/bucket/')
SELECT * FROM hudi('http://127.0.0.1:@port/bucket/')
SELECT * FROM hdfs('hdfs://127.0.0.1:@port/x', CSV, 'a String')
SELECT * FROM remote('127.0.0.1:@port', system.one)
SELECT * FROM remoteSecure('127.0.0.1:@port', system.one)
SELECT * FROM cluster('default', url('http://127.0.0.1:@port/x.csv', CSV, 'a String'))
SELECT * FROM mysql('127.0.0.1:@port', 'd', 't', 'u', 'p')
SELECT * FROM postgresql('127.0.0.1:@port', 'd', 't', 'u', 'p')
SELECT * FROM mongodb('127.0.0.1:@port', 'd', 't', 'u', 'p', 'a Int8')
SELECT * FROM redis('127.0.0.1:@port', 'a', 'a Int8')
SELECT * FROM jdbc('http://127.0.0.1:@port', 't')
SELECT * FROM odbc('DSN=x;Server=127.0.0.1:@port', 't', 't')
SELECT * FROM ytsaurus('http://127.0.0.1:@port', '//x', 'x', 'a Int8')
SELECT * FROM (SELECT * FROM url('http://127.0.0.1:@port/', CSV, 'a String') SETTINGS readonly = 0)
SELECT reverseDNSQuery('127.0.0.1')
DESCRIBE TABLE file('@secret')
DESCRIBE file('@secret')
DESCRIBE TABLE url('http://127.0.0.1:@port/x.csv')
DESCRIBE remote('127.0.0.1:@port', system.one)
DESCRIBE `@secret`
DESCRIBE TABLE (SELECT * FROM file('@secret'))
EXPLAIN SELECT * FROM file('@secret')
EXPLAIN SELECT file('@secret')
EXPLAIN QUERY TREE SELECT * FROM url('http://127.0.0.1:@port/x.csv')
EXPLAIN PLAN SELECT * FROM remote('127.0.0.1:@port', system.one)
EXPLAIN ESTIMATE SELECT * FROM s3('http://127.0.0.1:@port/bucket/x.csv')
EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:@port', 'd', 't', 'u', 'p') PARTITION BY a
EXPLAIN PIPELINE INSERT INTO otel.otel_logs (Body) SELECT 'x'
EXPLAIN ANALYZE INSERT INTO otel.otel_logs (Body) SELECT 'x'
EXPLAIN INSERT INTO FUNCTION file('@folder/out') SELECT 1
SHOW CREATE TABLE `@secret`
SHOW COLUMNS FROM `@secret`
SHOW TABLES WHERE file('@secret') != ''
SELECT 1 SETTINGS readonly = 0
SELECT 1 SETTINGS max_execution_time = 1000
SELECT 1 SETTINGS max_memory_usage = 0, max_threads = 64
SELECT 1 FORMAT CSV SETTINGS readonly = 0
SHOW TABLES FROM otel SETTINGS readonly = 0
EXPLAIN SELECT 1 SETTINGS readonly = 0
SELECT 1; SELECT 2
SELECT 1; DROP TABLE otel.otel_logs
SELECT 1;\nINSERT INTO otel.otel_logs (Body) SELECT 'x'
SELECT 1 PARALLEL WITH DROP TABLE otel.otel_logs
SELECT * FROM format(CSV, '1')
SELECT * FROM input('a Int8')
SELECT 1 FORMAT Nothing
SELECT '
SELECT ((((((((((
\0
;
"""
"""These fail in one way or another."""


def listed(text: str) -> list[str]:
    """One statement a line, in which \\n, \\0 and \\\\ stand for what they do in Python."""
    lines = text.strip("\n").split("\n")
    return ["\\".join(_unescaped(part) for part in line.split(r"\\")) for line in lines]


def _unescaped(part: str) -> str:
    return part.replace(r"\n", "\n").replace(r"\0", "\0")
