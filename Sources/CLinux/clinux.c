// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
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

int clinux_rename_noreplace(int from_dirfd, const char *from, int to_dirfd, const char *to) {
    return renameat2(from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE);
}
