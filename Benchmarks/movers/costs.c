// SPDX-License-Identifier: Apache-2.0
//
// costs OUT SECONDS COMMAND...: runs a command and writes what it cost to OUT, as one JSON object:
// when it began and how long it took until it ended (nanoseconds of CLOCK_MONOTONIC), the CPU time
// (user and system, microseconds) of all its processes, those that it leaves behind among them, and
// the largest resident set of one of them (KiB). After SECONDS everything is killed.
//
// It exits as the command did; 124 for one that took too long, 127 for one that did not start.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// How long what a command leaves behind may go on.
enum { AFTERMATH_SECONDS = 10, TOO_LONG = 124, NOT_STARTED = 127 };

static volatile sig_atomic_t is_late;

static void on_alarm(int number) {
    (void)number;
    is_late = 1;
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long microseconds(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

// What has no parent any more becomes a child of ours, so killing children until there are none ends all.
static void kill_children(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *children = fopen(path, "r");
    if (!children) return;
    int child;
    while (fscanf(children, "%d", &child) == 1) kill(child, SIGKILL);
    fclose(children);
}

int main(int count, char **arguments) {
    if (count < 4) return NOT_STARTED;
    FILE *out = fopen(arguments[1], "w");
    if (!out) return NOT_STARTED;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    // The measurement that is broken off takes its command along.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    long long begin = now(), wall = 0, cpu = 0, peak = 0;
    pid_t command = fork();
    if (command == 0) {
        execvp(arguments[3], arguments + 3);
        perror(arguments[3]);
        _exit(NOT_STARTED);
    }
    alarm((unsigned)atoi(arguments[2]));
    int status = NOT_STARTED << 8, was_too_long = 0;
    for (;;) {
        int ended;
        struct rusage used;
        pid_t child = wait4(-1, &ended, is_late ? WNOHANG : 0, &used);
        if (child > 0) {
            cpu += microseconds(used.ru_utime) + microseconds(used.ru_stime);
            if (used.ru_maxrss > peak) peak = used.ru_maxrss;
            if (child != command) continue;
            wall = now() - begin;
            status = ended;
            alarm(AFTERMATH_SECONDS);
        } else if (child < 0 && errno == ECHILD) {
            break;
        } else if (is_late) {
            if (!wall) was_too_long = 1;
            kill_children();
            usleep(10000);
        }
    }
    fprintf(out, "{\"begin\": %lld, \"wall\": %lld, \"cpu\": %lld, \"peak\": %lld}\n", begin, wall, cpu, peak);
    fclose(out);
    if (was_too_long) return TOO_LONG;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
