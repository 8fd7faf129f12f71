// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

@testable import HeadNode
@testable import S3Client

enum NameFuzzing {
    private static let layout: JobLayout? = {
        guard let prefix = try? KeyPrefix("galaxy/test"), let main = try? InstanceName("main")
        else {
            return nil
        }
        return JobLayout(prefix: prefix, instance: main)
    }()

    static func names(_ bytes: [UInt8]) {
        paths(bytes)
        keys(bytes)
        precondition(bytes.logSafe.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "one line")
        labels(String(decoding: bytes, as: UTF8.self))
    }

    private static func paths(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let leaves = parts.contains { $0.elementsEqual("..".utf8) } || bytes.contains(0)
        if let path = try? RelativePath(bytes) {
            precondition(path.bytes == bytes && !leaves && bytes.first != UInt8(ascii: "/"))
        }
        if let path = try? FilePath(bytes) {
            precondition(path.bytes == bytes && !leaves && bytes.first == UInt8(ascii: "/"))
            if let parent = path.parent { precondition(path.isAtOrBelow(parent)) }
        }
    }

    private static func keys(_ bytes: [UInt8]) {
        guard let key = try? ObjectKey(bytes) else { return }
        _ = layout?.kind(of: key)
        let encoded = PercentEncoding.encode(bytes, keepingSlashes: true)
        let again = PercentEncoding.decode(Array(encoded.utf8), plusIsSpace: false)
        precondition(again == bytes, "a key survives its URL")
    }

    private static func labels(_ text: String) {
        precondition(LabelValue.isValid(Array(LabelValue(text).description.utf8)))
        _ = ToolName(text)
        _ = try? ImageReference(text)
        _ = try? RunID(text)
        _ = try? AttemptID(text)
        _ = DurationText.seconds(text)
        if let bytes = try? Quantity.bytes(text, expected: "a size") { precondition(bytes >= 0) }
    }
}
