// SPDX-License-Identifier: Apache-2.0
// What a static program must do before anything else runs in an image it knows nothing about.
#include "boot.h"

#include <errno.h>
#include <nss.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#ifdef STATIC_WORKER
// Replaces libc.a's own: glibc then starts threads and children by plain clone. Seccomp profiles
// older than clone3 answer it with EPERM, which glibc takes for a refusal: no thread starts, and
// libdispatch waits for ever.
int __clone3(void *args, size_t size, int (*start)(void *), void *arg) {
    (void)args, (void)size, (void)start, (void)arg;
    errno = ENOSYS;
    return -1;
}
#endif

// 101: before the Swift runtime's own constructors.
__attribute__((constructor(101))) static void boot(void) {
#ifdef STATIC_WORKER
    // A static glibc would dlopen the image's libnss_*.so, built for another glibc, as soon as
    // nsswitch.conf names more than files and dns, and die in it. These two are built in.
    static const char *const files[] = {"passwd",    "group",    "shadow",     "services",
                                        "protocols", "networks", "initgroups", NULL};
    for (int i = 0; files[i]; i++) __nss_configure_lookup(files[i], "files");
    __nss_configure_lookup("hosts", "files dns");
#endif
    // A peer that is gone is an error code.
    signal(SIGPIPE, SIG_IGN);
    // The Swift runtime aborts without /proc/self/exe, and libdispatch traps without
    // /proc/self/task. 70 is the worker's exit status for "cannot work here".
    static const char message[] =
        "galaxy-worker-exec: /proc is not mounted. Mount it in the container.\n";
    if (access("/proc/self/exe", F_OK) != 0) {
        (void)!write(2, message, sizeof message - 1);
        _exit(70);
    }
}

void boot_linked(void) {}
