// SPDX-License-Identifier: Apache-2.0
// Linux calls that Swift cannot make: variadic ones, those glibc has no wrapper for, and GNU's own.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Opens `path` below the directory `dirfd` and never outside it: no component may be a symbolic
/// link, a magic link or lead above `dirfd` (openat2(2)). Where the kernel or a seccomp profile
/// refuses openat2 (ENOSYS, EPERM), the path is walked component by component with O_NOFOLLOW.
/// Returns a descriptor, or -1 with errno (ELOOP or ENOTDIR for a link, EXDEV for an escape).
int clinux_open_beneath(int dirfd, const char *path, int flags, unsigned int mode);

/// The same for a directory that is only gone through (O_PATH).
int clinux_open_directory_beneath(int dirfd, const char *path);

/// open(2) and openat(2), which are variadic in C.
int clinux_open(const char *path, int flags, unsigned int mode);
int clinux_openat(int dirfd, const char *path, int flags, unsigned int mode);

/// Makes this process unreadable to others of its user: no ptrace, no /proc/PID/environ or mem,
/// no core file.
int clinux_set_not_dumpable(void);

/// Makes orphaned descendants this process's children (PR_SET_CHILD_SUBREAPER).
int clinux_become_subreaper(void);

/// Whether `ancestor` is among the parents of `pid`, by /proc. Safe in a signal handler.
int clinux_is_descendant(int pid, int ancestor);

/// Starts a program in a process group of its own, in `directory`, with default signals, an empty
/// standard input, `out` and `err` for its streams, and no other descriptor of ours.
/// Returns 0 and sets `pid`, or an errno value.
int clinux_spawn(int *pid, char *const argv[], char *const envp[], const char *directory, int out,
                 int err);

/// The same, as the user and the group `id` and in no other group, which only root may do.
int clinux_spawn_as(int *pid, char *const argv[], char *const envp[], const char *directory,
                    int out, int err, unsigned int id);

/// syncfs(2).
int clinux_syncfs(int fd);

/// renameat2(2) with RENAME_NOREPLACE: EEXIST when the target is there.
int clinux_rename_noreplace(int from_dirfd, const char *from, int to_dirfd, const char *to);

/// copy_file_range(2) from and to the same offset, the descriptors' own left alone: how many bytes
/// were copied, or shared where the file system can; -1 with errno. Glibc hides it from Swift.
long clinux_copy_range(int from, int to, int64_t offset, size_t count);

/// fallocate(2): takes room on the disk for a file of `size` bytes. Glibc hides it from Swift.
int clinux_reserve(int fd, int64_t size);
