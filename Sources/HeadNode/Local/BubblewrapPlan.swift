// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// The command line that runs a worker in namespaces of its own: it sees a root file system, the
/// job's directories at Galaxy's own paths, and nothing else of this machine. A pure value.
struct BubblewrapPlan: Sendable {
    /// One thing to be seen inside.
    enum Mount: Sendable, Equatable {
        /// A host path, read-only.
        case readOnly(FilePath, at: FilePath)
        /// The same, if it is there.
        case readOnlyIfPresent(FilePath, at: FilePath)
        case writable(FilePath, at: FilePath)
        /// The same, if it is there.
        case writableIfPresent(FilePath, at: FilePath)
        case link(ByteString, at: FilePath)
    }

    /// Where everything of ours is inside.
    static let ownFolder = Array("/galaxy-s3".utf8)

    let bubblewrap: FilePath
    let mounts: [Mount]
    let sharesNetwork: Bool
    /// Who the tool is inside.
    let user: UInt32
    let group: UInt32
    /// Whether this bubblewrap can keep the tool from making user namespaces of its own.
    let canDisableUserNamespaces: Bool
    let command: [ByteString]

    /// bubblewrap's whole argument list.
    var arguments: [ByteString] {
        var list = [ByteString(bubblewrap.bytes)]
        func add(_ words: String...) { list += words.map { ByteString($0) } }
        func add(_ option: String, _ a: [UInt8], _ b: [UInt8]) {
            list += [ByteString(option), ByteString(a), ByteString(b)]
        }
        // Everything apart; the worker itself is process 1 and reaps; no one outlives the
        // supervisor.
        add("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--as-pid-1")
        if canDisableUserNamespaces { add("--disable-userns") }
        if sharesNetwork { add("--share-net") }
        add("--uid", String(user), "--gid", String(group))
        add("--proc", "/proc", "--dev", "/dev")
        // In this order: a directory of the job's may lie below another, as below /tmp.
        for mount in mounts {
            switch mount {
            case .readOnly(let source, let place): add("--ro-bind", source.bytes, place.bytes)
            case .readOnlyIfPresent(let source, let place):
                add("--ro-bind-try", source.bytes, place.bytes)
            case .writable(let source, let place): add("--bind", source.bytes, place.bytes)
            case .writableIfPresent(let source, let place):
                add("--bind-try", source.bytes, place.bytes)
            case .link(let target, let place): add("--symlink", target.bytes, place.bytes)
            }
        }
        // The root itself is bubblewrap's own, in memory: nobody is to fill that.
        add("--remount-ro", "/", "--chdir", "/", "--")
        return list + command
    }
}
