// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Kubernetes

/// What is noted on a try's Job and on its pod: labels to select by, and annotations that hold in
/// full what a label may not.
struct JobLabels: Sendable, Equatable {
    private(set) var labels: [String: String] = [:]
    private(set) var annotations: [String: String] = [:]

    /// What we are called where objects say who manages them, and the prefix of our own names.
    static let manager = "galaxy-s3-executor"
    static let instanceKey = "\(manager)/instance"
    static let runKey = "\(manager)/run"
    static let tryKey = "\(manager)/try"
    static let specKey = "\(manager)/spec-sha256"
    private static let recommended = "app.kubernetes.io"
    private static let galaxy = "app.galaxyproject.org"

    /// The longest text that an annotation holds, in bytes; a server takes 256 KiB of them all.
    private static let longest = 4096

    /// - Parameter nameInstance: the Galaxy's name as it stands in the names of Jobs.
    init(
        _ order: TryOrder,
        nameInstance: InstanceName,
        job: JobSubject,
        metadata: PodMetadataSettings
    ) {
        labels = metadata.labels
        annotations = metadata.annotations
        let tool = ToolName(job.toolID)
        let run = order.id.run.description
        note("\(Self.recommended)/name", tool.name)
        note("\(Self.recommended)/version", tool.version)
        note("\(Self.recommended)/instance", "gxy-\(nameInstance)")
        note("\(Self.recommended)/component", "tool")
        note("\(Self.recommended)/part-of", "galaxy")
        note("\(Self.recommended)/managed-by", Self.manager)
        note("\(Self.galaxy)/job_id", Self.galaxyID(of: run))
        note("\(Self.galaxy)/handler", job.handler)
        note("\(Self.galaxy)/destination", job.destination)
        note(Self.instanceKey, order.spec.layout.instance.description)
        note(Self.runKey, run)
        note(Self.tryKey, "\(order.id.number)")
        annotations["\(Self.galaxy)/tool_id"] = Self.cut(job.toolID)
        annotations["\(Self.manager)/tool-id"] = Self.cut(job.toolID)
        annotations[Self.runKey] = run
        annotations[Self.specKey] = order.specSHA256.hex
    }

    /// The same for a Job and for its pod.
    func metadata(name: String?) -> Metadata {
        Metadata(name: name, labels: labels, annotations: annotations)
    }

    /// Sets a label, and says the text in full where the label cannot.
    private mutating func note(_ key: String, _ text: String?) {
        guard let text else { return }
        let value = LabelValue(text).description
        labels[key] = value
        if !value.utf8.elementsEqual(text.utf8) { annotations[key] = Self.cut(text) }
    }

    private static func galaxyID(of run: String) -> String {
        let bytes = Array(run.utf8)
        let cut = bytes.lastIndex(of: UInt8(ascii: "-")) ?? bytes.endIndex
        return String(decoding: bytes[..<cut], as: UTF8.self)
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > longest else { return text }
        return String(decoding: text.utf8.prefix(longest), as: UTF8.self)
    }
}
