// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Who sent a signal, as far as the kernel vouches for it. Usable in a signal handler.
struct SignalSender {
    /// The sender's number in this process's PID namespace: 0 for one outside, and for the kernel.
    let pid: pid_t
    /// Whether the kernel itself has filled in the number: sigqueue(3) lets a sender write any.
    let isVouchedFor: Bool

    init(_ information: siginfo_t) {
        pid = information._sifields._kill.si_pid
        isVouchedFor = information.si_code >= 0 || information.si_code == Self.threadKill
    }

    /// SI_TKILL, whose macro Swift does not see.
    private static let threadKill: Int32 = -6

    /// Whether it is the tool, or something that the tool has started.
    ///
    /// Process 1 of a namespace has nobody beside it but its descendants, and those that somebody
    /// sends in, as `kubectl exec` does; a sender that has ended meanwhile cannot be told from
    /// either, so there all of them are taken for the tool: a pod is ended from outside. Elsewhere
    /// the parents decide.
    var isTheTool: Bool {
        let own = getpid()
        guard isVouchedFor else { return true }
        guard pid > 0, pid != own else { return false }
        return own == 1 || clinux_is_descendant(pid, own) == 1
    }
}
