// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Glibc
import Names
import Staging
import Testing

struct JobDescriptionManualTests {
    @Test func theManualsExampleIsOne() throws {
        let here = Array(#filePath.utf8)
        let tests = try #require(here.range(of: Array("/Tests/".utf8))).lowerBound
        let path = Array(here[..<tests]) + Array("/docs/job-description.md".utf8)
        let fd = path.withCPath { open($0, O_RDONLY | O_CLOEXEC) }
        let file = Descriptor(owning: fd)
        let text = try file.readAll(limit: 1 << 20, name: try FilePath(path))
        let start = try #require(text.range(of: Array("```json\n".utf8)))
        let rest = Array(text[start.upperBound...])
        let end = try #require(rest.range(of: Array("```".utf8)))
        let description = try ContractCoding.decode(
            JobDescription.self,
            from: Array(rest[..<end.lowerBound]),
            name: "example"
        )
        try description.validate()
        #expect(description.outputs.count == 1)
    }
}

extension [UInt8] {
    /// Where `needle` stands first.
    fileprivate func range(of needle: [UInt8]) -> Range<Int>? {
        guard count >= needle.count else { return nil }
        for start in 0...(count - needle.count)
        where self[start..<(start + needle.count)].elementsEqual(needle) {
            return start..<(start + needle.count)
        }
        return nil
    }
}
