// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int clinux_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }

int clinux_openat(int dirfd, const char *path, int flags, unsigned int mode) {
    return openat(dirfd, path, flags, mode);
}

static int is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/// The fallback: one openat per component, none of which may be a link.
static int open_by_component(int dirfd, const char *path, int flags, unsigned int mode) {
    char name[NAME_MAX + 1];
    int at = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
    if (at < 0) return -1;
    for (;;) {
        const char *slash = strchrnul(path, '/');
        size_t length = (size_t)(slash - path);
        if (length > NAME_MAX) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = 0;
        if (length == 0 || is_dots(name)) {
            close(at);
            errno = EXDEV;
            return -1;
        }
        int last = *slash == 0;
        int next = last ? openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode)
                        : openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(at);
        if (next < 0 || last) {
            errno = error;
            return next;
        }
        at = next;
        path = slash + 1;
    }
}

int clinux_open_beneath(int dirfd, const char *path, int flags, unsigned int mode) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    if (strcmp(path, ".") == 0) return openat(dirfd, ".", flags | O_CLOEXEC, mode);
    // EAGAIN: a rename raced with the walk; openat2(2) asks for a repetition.
    for (int i = 0; i < 100; i++) {
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        if (fd >= 0) return (int)fd;
        if (errno == ENOSYS || errno == EPERM) return open_by_component(dirfd, path, flags, mode);
        if (errno != EAGAIN) return -1;
    }
    return -1;
}

int clinux_open_directory_beneath(int dirfd, const char *path) {
    return clinux_open_beneath(dirfd, path, O_PATH | O_DIRECTORY, 0);
}

int clinux_set_not_dumpable(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

/// The parent's pid: the second field after the last ')' of /proc/PID/stat, for the name between
/// the parentheses may hold any byte. 0 if there is no such process. Calls nothing that a signal
/// handler must not call.
static int parent_of(int pid) {
    char path[32] = "/proc/", digits[12], stat[512];
    int length = 0, at = 6;
    for (int rest = pid; rest > 0; rest /= 10) digits[length++] = (char)('0' + rest % 10);
    while (length > 0) path[at++] = digits[--length];
    memcpy(path + at, "/stat", 6);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t count = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (count <= 0) return 0;
    stat[count] = 0;
    const char *end = strrchr(stat, ')');
    if (end == NULL || strlen(end) < 5) return 0;
    int parent = 0;
    for (const char *digit = end + 4; *digit >= '0' && *digit <= '9'; digit++)
        parent = parent * 10 + (*digit - '0');
    return parent;
}

int clinux_is_descendant(int pid, int ancestor) {
    // Bounded: parents may change while they are walked.
    for (int i = 0; i < 4096 && pid > 1; i++) {
        pid = parent_of(pid);
        if (pid == ancestor) return 1;
    }
    return 0;
}

int clinux_spawn(int *pid, char *const argv[], char *const envp[], const char *directory, int out,
                 int err) {
    // Not /dev/null: an image may have no /dev.
    int in[2];
    if (pipe2(in, O_CLOEXEC) != 0) return errno;
    close(in[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, directory);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(pid, argv[0], &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    return error;
}

/// What the child of `clinux_spawn_as` does; returns an errno value only if it has failed.
static int become(char *const argv[], char *const envp[], const char *directory, int in, int out,
                  int err, unsigned int id) {
    // Above the three streams, which the next step replaces.
    out = fcntl(out, F_DUPFD_CLOEXEC, 3);
    err = fcntl(err, F_DUPFD_CLOEXEC, 3);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) return errno;
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return errno;
    if (chdir(directory) != 0 || setpgid(0, 0) != 0) return errno;
    if (setgroups(0, NULL) != 0 || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
        return errno;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(argv[0], argv, envp);
    return errno;
}

int clinux_spawn_as(int *pid, char *const argv[], char *const envp[], const char *directory,
                    int out, int err, unsigned int id) {
    int in[2], failure[2];
    if (pipe2(in, O_CLOEXEC) != 0) return errno;
    if (pipe2(failure, O_CLOEXEC) != 0) {
        int error = errno;
        close(in[0]);
        close(in[1]);
        return error;
    }
    close(in[1]);
    // No signal may reach our handlers in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = fork();
    int error = *pid < 0 ? errno : 0;
    if (*pid == 0) {
        int end = fcntl(failure[1], F_DUPFD_CLOEXEC, 3);
        int failed = become(argv, envp, directory, in[0], out, err, id);
        (void)!write(end, &failed, sizeof failed);
        _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(in[0]);
    close(failure[1]);
    // The pipe closes unread when the program has been started.
    if (error == 0 && read(failure[0], &error, sizeof error) == sizeof error)
        waitpid(*pid, NULL, 0);
    close(failure[0]);
    return error;
}

int clinux_syncfs(int fd) { return syncfs(fd); }

int clinux_rename_noreplace(int from_dirfd, const char *from, int to_dirfd, const char *to) {
    return renameat2(from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE);
}

long clinux_copy_range(int from, int to, int64_t offset, size_t count) {
    off64_t in = offset, out = offset;
    return copy_file_range(from, &in, to, &out, count, 0);
}

int clinux_reserve(int fd, int64_t size) { return fallocate(fd, 0, 0, size); }
