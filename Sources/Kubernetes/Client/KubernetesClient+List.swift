// SPDX-License-Identifier: Apache-2.0

import Diagnostics

extension KubernetesClient {
    /// Objects in one answer; more come page by page, so that neither side holds all at once.
    static let pageSize = 500
    /// A server that never comes to an end is not believed.
    private static let pageLimit = 4000
    /// How often a list is begun again because its pages took longer than the server remembers.
    private static let restartLimit = 3

    /// All objects of a kind that `selector` chooses, as they are now.
    func list<Resource>(
        _ type: Resource.Type,
        _ selector: LabelSelector,
        fields: String? = nil
    ) async throws(KubernetesError) -> ResourceList<Resource> {
        var restarts = 0
        while true {
            do throws(KubernetesError) {
                return try await listPages(type, selector, fields: fields)
            } catch {
                guard error.code == .expired, restarts < Self.restartLimit else { throw error }
                restarts += 1
            }
        }
    }

    private func listPages<Resource>(
        _ type: Resource.Type,
        _ selector: LabelSelector,
        fields: String?
    ) async throws(KubernetesError) -> ResourceList<Resource> {
        let call = ClusterCall(verb: .list, kind: type.kind, namespace: namespace)
        let collection = ClusterURL(type.kind, namespace: namespace)
            .with("labelSelector", selector.text.isEmpty ? nil : selector.text)
            .with("fieldSelector", fields)
            .with("limit", String(Self.pageSize))
        var items: [Resource] = []
        var next: String?
        for _ in 0..<Self.pageLimit {
            let request = ClusterRequest(call, collection.with("continue", next))
            let page = try await send(request, as: ResourcePage<Resource>.self)
            items += page.items
            next = page.next
            if next == nil {
                return ResourceList(items: items, resourceVersion: page.resourceVersion)
            }
        }
        throw KubernetesError(
            .badAnswer,
            what: "A list has no end after \(items.count) objects",
            place: call.words.logSafe
        )
    }
}

/// One answer to a list.
private struct ResourcePage<Resource: ClusterResource>: Decodable {
    let items: [Resource]
    let resourceVersion: String
    /// What to ask with for the next page; nil on the last.
    let next: String?

    private enum CodingKeys: String, CodingKey { case metadata, items }

    private struct Metadata: Decodable {
        let resourceVersion: String?
        let `continue`: String?
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try fields.decode(Metadata.self, forKey: .metadata)
        resourceVersion = metadata.resourceVersion ?? ""
        next = metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
        // Not optional: an answer without it is no list, least of all an empty one. Some servers
        // say null for no items.
        items =
            try fields.decodeNil(forKey: .items)
            ? [] : fields.decode([Resource].self, forKey: .items)
    }
}
