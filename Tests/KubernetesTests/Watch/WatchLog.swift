// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import Kubernetes

/// What a watch told, in words that a test can compare.
final class WatchLog: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    /// Runs `watch` until it has told `count` things, and gives them.
    static func first<Resource>(
        _ count: Int,
        of watch: ResourceWatch<Resource>,
        _ look: @escaping @Sendable (ResourceEvent<Resource>) async -> Void = { _ in }
    ) async -> [String] {
        let log = WatchLog()
        let (enough, continuation) = AsyncStream<Void>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await watch.run { event in
                    log.lines.withLock { $0.append(words(event)) }
                    await look(event)
                    if log.all.count >= count { continuation.finish() }
                }
            }
            for await _ in enough {}
            group.cancelAll()
        }
        return Array(log.all.prefix(count))
    }

    static func words<Resource>(_ event: ResourceEvent<Resource>) -> String {
        func name(_ resource: Resource) -> String {
            "\(resource.metadata.name)@\(resource.metadata.resourceVersion)"
        }
        return switch event {
        case .listed(let all): "listed " + all.map(name).joined(separator: " ")
        case .changed(let one): "changed " + name(one)
        case .deleted(let one): "deleted " + name(one)
        case .trouble(let error): "trouble \(error.code.rawValue)"
        case .recovered: "recovered"
        }
    }
}
