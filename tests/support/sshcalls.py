"""Counts a program's calls of libssh by name and thread: a library that stands before libssh, made for the functions that this
program calls, writes one line per call and passes it on.

    calls = SshCalls(program, folder)
    … run the program with calls.env() …
    calls.by_thread()        {thread: {function: count}}
    calls.slow(0.1)          [(thread, function, seconds)] of calls that took longer
"""
import collections
import os
import re
import subprocess

import tunetest as t

HEAD = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* One write: lines of several threads do not mix. Children of the program that are no part of it are not counted. */
static void note(const char *name, double began)
{
    static int fd = -1;
    static pid_t owner;
    char line[160];
    if (fd < 0) {
        owner = getpid();
        fd = open(getenv("PGD_SSH_CALLS"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    if (getpid() != owner)
        return;
    int n = snprintf(line, sizeof line, "%d %d %s %.6f\n", (int)owner, (int)gettid(), name, now() - began);
    if (write(fd, line, (size_t)n) < 0)
        abort();
}
"""
# Whatever the arguments are, they are in registers and in the first words of the stack: no function of libssh takes more.
CALL = r"""
void *%(name)s(void)
{
    static void (*real)(void);
    void *args = __builtin_apply_args();
    if (!real)
        real = (void (*)(void))dlsym(RTLD_NEXT, "%(name)s");
    double began = now();
    void *result = __builtin_apply(real, args, 128);
    note("%(name)s", began);
    __builtin_return(result);
}
"""


def functions_of(program):
    """Those of libssh that the program calls."""
    out = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"\bU ((?:ssh|sftp)_\w+)", out)))


class SshCalls:
    def __init__(self, program, folder):
        self.log = os.path.join(folder, "ssh_calls.log")
        self.functions = functions_of(program)
        t.check(self.functions, "%s calls nothing of libssh" % program)
        source = os.path.join(folder, "ssh_calls.c")
        self.library = os.path.join(folder, "ssh_calls.so")
        with open(source, "w") as f:
            f.write(HEAD + "".join(CALL % {"name": name} for name in self.functions))
        # gcc alone knows __builtin_apply; without optimization it cannot turn the call into something else.
        made = subprocess.run(["gcc", "-O0", "-fno-builtin", "-w", "-shared", "-fPIC", "-o", self.library, source, "-ldl"],
                              capture_output=True, text=True)
        t.check(made.returncode == 0, made.stderr)

    def env(self):
        return {"LD_PRELOAD": self.library, "PGD_SSH_CALLS": self.log}

    def lines(self):
        for line in t.read(self.log, "").split("\n")[:-1]:
            pid, tid, name, seconds = line.split()
            yield int(pid), int(tid), name, float(seconds)

    def by_thread(self):
        """The thread "main" is the one that the program began with."""
        found = collections.defaultdict(collections.Counter)
        for pid, tid, name, _ in self.lines():
            found["main" if tid == pid else tid][name] += 1
        return found

    def slow(self, bound_s):
        return [("main" if tid == pid else tid, name, seconds) for pid, tid, name, seconds in self.lines() if seconds > bound_s]
