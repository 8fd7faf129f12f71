// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Synchronization
import TestSupport
import Transport

@testable import Kubernetes

/// A cluster that exists only as a script.
struct StubCluster {
    let transport: ScriptedTransport
    let clock = VirtualClock()
    let notices = Collected<ClusterNotice>()

    init(_ replies: ScriptedTransport.Reply...) { transport = ScriptedTransport(replies) }

    init(_ script: @escaping @Sendable (ScriptedTransport.Seen) async -> ScriptedTransport.Reply) {
        transport = ScriptedTransport(script)
    }

    /// What was asked: method, and URL without the server.
    var asked: [String] {
        transport.requests.map { seen in
            "\(seen.request.method.rawValue) \(seen.request.url.dropFirst("https://k:6443".count))"
        }
    }

    func client(
        retry: ClusterRetry = .standard,
        login: ClusterLogin = .token(Redacted("s3cret")),
        namespace: String = "galaxy"
    ) throws -> KubernetesClient {
        let transports = ClusterLink.Transports(calls: transport, streams: transport)
        return try KubernetesClient(
            ClusterAccess(server: "https://k:6443", login: login, origin: "/etc/kubeconfig"),
            namespace: namespace,
            retry: retry,
            clock: clock.clusterClock,
            make: { _ in transports },
            observe: { [notices] in notices.add($0) }
        )
    }
}

extension VirtualClock {
    var clusterClock: ClusterClock {
        ClusterClock(
            now: { [self] in now },
            elapsed: { [self] in elapsed },
            sleep: { [self] in try sleep($0) }
        )
    }
}

extension ScriptedTransport.Reply {
    static func json(_ text: String, status: Int = 200) -> ScriptedTransport.Reply {
        .answer(status: status, body: Array(text.utf8))
    }

    /// A Status as API servers send it.
    static func status(
        _ code: Int,
        _ reason: String,
        _ message: String = "",
        details: String = "{}",
        fields: [HTTPField] = []
    ) -> ScriptedTransport.Reply {
        let text = message.replacing("\"", with: "\\\"")
        let body =
            #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\#(text)","#
            + #""reason":"\#(reason)","details":\#(details),"code":\#(code)}"#
        return .answer(status: code, fields: fields, body: Array(body.utf8))
    }

    static func noJob(_ name: String) -> ScriptedTransport.Reply {
        .status(
            404,
            "NotFound",
            #"jobs.batch "\#(name)" not found"#,
            details: #"{"name":"\#(name)","group":"batch","kind":"jobs"}"#
        )
    }

    static func exists(_ name: String) -> ScriptedTransport.Reply {
        .status(409, "AlreadyExists", #"jobs.batch "\#(name)" already exists"#)
    }

    static func job(_ name: String, uid: String = "u", version: Int = 1) -> ScriptedTransport.Reply
    {
        .json(Objects.job(name, uid: uid, version: version))
    }
}

/// Objects as little as servers may send them.
enum Objects {
    static func job(_ name: String, uid: String = "u", version: Int = 1) -> String {
        #"{"metadata":{"name":"\#(name)","uid":"\#(uid)","resourceVersion":"\#(version)"},"status":{}}"#
    }

    static func list(_ items: [String], version: Int = 1, next: String = "") -> String {
        let joined = items.joined(separator: ",")
        return
            #"{"metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"items":[\#(joined)]}"#
    }

    /// A line of a watch.
    static func event(_ type: String, _ object: String) -> String {
        #"{"type":"\#(type)","object":\#(object)}"# + "\n"
    }

    static func bookmark(_ version: Int) -> String {
        event("BOOKMARK", #"{"kind":"Job","metadata":{"resourceVersion":"\#(version)"}}"#)
    }
}

/// What `body` throws; nil if it does not.
func error<Value>(
    of body: () async throws -> Value
) async -> KubernetesError? {
    do {
        _ = try await body()
        return nil
    } catch { return error as? KubernetesError }
}
