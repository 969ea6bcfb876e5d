#!/usr/bin/env python3
"""What must not leave the machine, or the DBA's own memory: a seeded set of secrets, literals and names in tables, comments,
statements, sessions, roles, hosts, scripts and keys of a real server, and sessions with a model at `redacted` and `strict`.
Every request, every file of the program's home, both streams, and argv and environment of every child are searched."""
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import llmtest
import tunetest as t

# In no file, request, stream, argv or environment of a child.
SECRETS = {"password": "g3heimerVogel", "key": "AQ.Ab8RNkanarienschluessel", "token": "sk-kanarie0123456789abcdefghijkl"}
# Of the data: in no request and no file.
LITERALS = {"word": "Kanariensingh", "number": "918273645", "card": "4929118273645012", "mail": "erika.vogel@kanarie.example",
            "other address": "10.77.13.201", "application": "nestbau-dienst"}
# In no request; the files of the program's own say which server they are about.
PLACES = {"host": "dbprod07.kanarie.example", "role": "vogelrolle", "database": "vogeldb"}
# In no request at strict.
NAMES = {"schema": "volierenschema", "table": "kanarien_bestand", "column": "federfarbe", "index": "bestand_farbindex",
         "function": "zwitschern"}

SEED = """
CREATE SCHEMA volierenschema;
CREATE TABLE volierenschema.kanarien_bestand (id bigint PRIMARY KEY, federfarbe text, nummer bigint, post text);
INSERT INTO volierenschema.kanarien_bestand SELECT i, 'Kanariensingh', 918273645, 'erika.vogel@kanarie.example'
    FROM generate_series(1, 2000) i;
CREATE INDEX bestand_farbindex ON volierenschema.kanarien_bestand (federfarbe);
COMMENT ON TABLE volierenschema.kanarien_bestand IS 'Kanariensingh: ask erika.vogel@kanarie.example at 10.77.13.201';
COMMENT ON COLUMN volierenschema.kanarien_bestand.federfarbe IS 'token sk-kanarie0123456789abcdefghijkl, card 4929118273645012';
CREATE FUNCTION volierenschema.zwitschern() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.005)';
ALTER ROLE vogelrolle PASSWORD 'g3heimerVogel';
SELECT count(*) FROM volierenschema.kanarien_bestand WHERE federfarbe = 'Kanariensingh' /* 4929118273645012 */;
SELECT pg_stat_reset_shared('bgwriter');
ANALYZE volierenschema.kanarien_bestand
"""
ERRORS = ("INSERT INTO volierenschema.kanarien_bestand VALUES (1, 'Kanariensingh', 918273645)", "SELECT 'Kanariensingh'::int",
          "SELECT 1 FROM volierenschema.kanarien_bestand WHERE post = 'erika.vogel@kanarie.example' AND nummer = 'x4929118273645012'")
SCRIPT = ("-- of erika.vogel@kanarie.example\n\\set id random(1, 2000)\n"
          "SELECT federfarbe FROM volierenschema.kanarien_bestand WHERE id = :id AND federfarbe <> 'x Kanariensingh' "
          "AND nummer <> 918273646 /* Kanariensingh 4929118273645012 */;\nSELECT volierenschema.zwitschern();\n")
BROKEN = "SELECT federfarbe::int FROM volierenschema.kanarien_bestand WHERE nummer = 918273645;\n"


def seeded():
    server = t.Server(t.pg_bin(15), conf=("shared_preload_libraries = 'pg_stat_statements'", "listen_addresses = '127.0.0.1'",
                                          "log_min_duration_statement = 0", *t.SMALL), rows=10)
    server.sql("CREATE ROLE vogelrolle SUPERUSER LOGIN")
    server.sql("CREATE DATABASE vogeldb OWNER vogelrolle")
    server.sql("CREATE EXTENSION pg_stat_statements", "vogeldb")
    for statement in SEED.split(";\n"):
        server.sql(statement, "vogeldb")
    for statement in ERRORS:
        subprocess.run([t.PG, "psql", server.dir, "vogeldb", statement], capture_output=True)
    return server


def stranger(server):
    """A session of somebody else that is at work all the time, with canaries in its name and its statement."""
    psql = os.path.join(server.bin, "psql")
    text = "SELECT pg_sleep(300), 'Kanariensingh' AS federfarbe, 918273645 /* 10.77.13.201 */"
    return subprocess.Popen([psql if os.access(psql, os.X_OK) else "psql", "-X", "-h", server.host, "-p", server.port, "-U",
                             "vogelrolle", "-d", "vogeldb", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=dict(os.environ, PGAPPNAME="nestbau-dienst"))


class Children(threading.Thread):
    """What argv and environment of every descendant of the process were, as often as can be looked."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.seen, self.names, self.over = pid, set(), set(), False

    def run(self):
        while not self.over:
            parents = {}
            for pid in filter(str.isdigit, os.listdir("/proc")):
                stat = t.read("/proc/%s/stat" % pid, "").rpartition(")")[2].split()
                if len(stat) > 1:
                    parents[int(pid)] = int(stat[1])
            for pid in parents:
                above = pid
                while above and above != self.pid:
                    above = parents.get(above, 0)
                if above and pid != self.pid:
                    command = t.read("/proc/%d/cmdline" % pid, "")
                    # between fork and exec it is the program itself
                    if t.read("/proc/%d/comm" % pid, "").strip() != "pg_diagnose" and command:
                        self.names.add(os.path.basename(command.split("\0")[0]))
                        self.seen.add(command + "\0" + t.read("/proc/%d/environ" % pid, ""))
            time.sleep(0.02)


def found(text, *sets):
    small = text.lower()
    return ["%s (%s): …%s…" % (word, kind, text[max(0, small.find(word.lower()) - 60):][:140].replace("\0", " "))
            for kinds in sets for kind, word in kinds.items() if word.lower() in small]


def searched(level, provider, run, seen, streams=True):
    """What is found where it must not be."""
    wrong, files = [], 0
    hidden = [SECRETS, LITERALS, PLACES] + ([NAMES] if level == "strict" else [])
    for r in provider.asked():
        text = r.raw.decode() + " " + json.dumps(r.body, ensure_ascii=False) + " " + r.path
        wrong += ["request %s: %s" % (r.op, f) for f in found(text, *hidden)]
    for path, _, names in os.walk(run.home):
        for name in names:
            text = t.read(os.path.join(path, name))
            if text in (SCRIPT, BROKEN):
                continue  # the DBA's own file, kept for a resume as it is
            files += 1
            kinds = hidden if name == "requests.jsonl" else [SECRETS, LITERALS]
            wrong += ["%s: %s" % (name, f) for f in found(text, *kinds)]
    t.check(files >= 3, "%d files" % files)
    for name, text in (("stdout", run.text()), ("stderr", run.said)):
        wrong += ["%s: %s" % (name, f) for f in found(text, SECRETS, *([LITERALS] if streams else []))]
    for one in seen:
        wrong += ["child %s: %s" % (one.split("\0")[0], f) for f in found(one, SECRETS, LITERALS)]
    return sorted(set(wrong))


def session(level):
    server, other, provider = None, None, None
    try:
        server = seeded()
        other = stranger(server)
        provider = llmtest.Provider(answer=lambda r: json.dumps(llmtest.answers()[r.op]), key=SECRETS["key"])
        env = {k: v or "" for k, v in provider.env().items() if v or k in os.environ}
        env.update(PGPASSWORD=SECRETS["password"], PGHOSTADDR="127.0.0.1", OPENAI_API_KEY=SECRETS["token"])
        flags = ("-H", PLACES["host"], "-U", PLACES["role"], "-d", PLACES["database"], "--advisor", "gemini", "--privacy", level,
                 "--duration", "1", "--rounds", "1", "--budget", "4", "--accept",
                 "safe" if os.environ.get("PGD_SOAK") else "none")
        run = t.Run(server, server.home(), server.script(SCRIPT), *flags, env=env)
        children = Children(run.process.pid)
        children.start()
        run.end()
        children.over = True
        t.check(run.code in (0, 1) and run.summary["state"], "exit %d: %s" % (run.code, run.said))
        asked = provider.asked()
        t.check(len(asked) >= 4 and not provider.wrong(), "asked %s: %s\n%s" % ([r.op for r in asked], provider.wrong(), run.said))
        t.check("pgbench" in children.names, "no child was seen: %s" % children.names)
        if level == "redacted":  # else nothing would be searched at all
            t.check(any(NAMES["table"] in r.user for r in asked), "the table is in no request")
        wrong = searched(level, provider, run, children.seen)
        # A benchmark that fails: what the server has said of it is told to the DBA, and to nobody else.
        provider.requests.clear()
        run = t.Run(server, server.home(), server.script(BROKEN), *flags, env=env).end()
        t.check(run.code != 0 and LITERALS["word"] in run.said, "exit %d: %s" % (run.code, run.said))
        wrong += searched(level, provider, run, (), streams=False)
        t.check(not wrong, "%s: %d finds\n%s" % (level, len(wrong), "\n".join(wrong)))
    finally:
        if other:
            other.kill()
            other.wait()
        if provider:
            provider.stop()
        if server:
            server.destroy()


def redacted():
    session("redacted")


def strict():
    session("strict")


if __name__ == "__main__":
    t.main({"levels": llmtest.together(redacted, strict)})
