// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import TestSupport
import Testing

@Suite struct DocumentTests {
    private func golden<Value: VersionedDocument & Equatable>(
        _ value: Value,
        _ name: String
    ) throws {
        try Golden.check(try ContractCoding.encode(value), name)
        let read = try ContractCoding.decode(Value.self, from: Golden.bytes(name), name: name)
        #expect(read == value)
    }

    @Test func specIsTheGoldenOne() throws { try golden(Sample.spec(), "spec.json") }
    @Test func reportIsTheGoldenOne() throws { try golden(Sample.report(), "report.json") }
    @Test func startedIsTheGoldenOne() throws { try golden(Sample.started(), "started.json") }
    @Test func committedIsTheGoldenOne() throws { try golden(Sample.committed(), "committed.json") }
    @Test func committedWithReportIsTheGoldenOne() throws {
        try golden(Sample.committedWithReport(), "committed-with-report.json")
    }
    @Test func endedIsTheGoldenOne() throws { try golden(Sample.ended(), "ended.json") }

    @Test(arguments: [0, 1])
    func aLongReportIsNotInTheResult(_ more: Int) throws {
        let report = [UInt8](repeating: 0x78, count: RunResult.longestReportWithin + more)
        let result = RunResult(run: try Sample.run(), attempt: try Sample.attempt(), report: report)
        #expect(result.report?.bytes == (more == 0 ? report : nil))
        let digest = SHA256Digest(of: report)
        #expect(
            result.verdict == .committed(attempt: try Sample.attempt(), reportSHA256: digest)
        )
    }

    @Test func equalValuesGiveEqualBytes() throws {
        var names: [String: ByteString] = [:]
        for number in (0..<200).shuffled() { names["V\(number)"] = ByteString("x") }
        var spec = try Sample.spec()
        spec.environment = names
        let first = try ContractCoding.encode(spec)
        spec.environment = Dictionary(uniqueKeysWithValues: names.shuffled())
        #expect(try ContractCoding.encode(spec) == first)
    }

    @Test("B58: a document that is cut is a typed error at every length")
    func cut() throws {
        let bytes = try Golden.bytes("report.json")
        for length in stride(from: 0, to: bytes.count, by: 7) {
            let error = #expect(throws: ContractError.self) {
                try ContractCoding.decode(
                    AttemptReport.self,
                    from: Array(bytes[..<length]),
                    name: "report"
                )
            }
            #expect(error?.code == .malformed)
        }
    }

    @Test("B58: a document damaged anywhere is read or refused, never a crash")
    func damaged() throws {
        var random = SeededGenerator(seed: 6)
        let bytes = try Golden.bytes("spec.json")
        for _ in 0..<1_500 {
            var copy = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                copy[Int.random(in: 0..<copy.count, using: &random)] =
                    UInt8.random(in: 0...255, using: &random)
            }
            do throws(ContractError) {
                _ = try ContractCoding.decode(RunSpec.self, from: copy, name: "spec")
            } catch {
                #expect(error.what.utf8.starts(with: "The spec ".utf8))
            }
        }
    }

    private func refusal(_ text: String, _ name: String = "result") -> ContractError? {
        do throws(ContractError) {
            _ = try ContractCoding.decode(RunResult.self, from: Array(text.utf8), name: name)
            return nil
        } catch {
            return error
        }
    }

    @Test("B58: a future version names both numbers, whatever else has changed")
    func futureVersion() {
        let error = refusal(#"{"version":7,"nothing":"known"}"#)
        #expect(error?.code == .version)
        #expect(error?.what == "The result has version 7, this program speaks version 1")
        #expect(error?.remedy != "")
        #expect(refusal(#"{"version":0}"#)?.code == .version)
    }

    @Test("B58: an unknown field is passed over")
    func unknownField() throws {
        var text = String(decoding: try Golden.bytes("started.json"), as: UTF8.self)
        text.insert(contentsOf: #""zebra":{"a":[1,{}]},"#, at: text.index(after: text.startIndex))
        let read = try ContractCoding.decode(AttemptStarted.self, from: Array(text.utf8), name: "x")
        #expect(try read == Sample.started())
    }

    @Test("B58: what is no JSON is told in plain words")
    func noJSON() {
        for text in ["", #"{"version":1,"#, #"{"version":1} more"#, #"{"version":1e999}"#] {
            let words =
                "The result cannot be read: it is not valid JSON, or a number in it does not fit"
            #expect(refusal(text)?.what == words)
        }
        let run = refusal(#"{"version":1,"run":"x"}"#)?.what
        #expect(run?.contains(#""x" is no run"#) == true && run?.hasSuffix(" at run") == true)
    }

    @Test("B58: what is missing or wrong is named with its place")
    func places() throws {
        func refusal(
            _ from: String,
            _ to: String
        ) throws -> String {
            let text = String(decoding: try Golden.bytes("report.json"), as: UTF8.self)
            let parts = text.utf8.split(separator: from)
            let changed =
                String(Substring(try #require(parts.first))) + to
                + String(Substring(try #require(parts.last)))
            let error = #expect(throws: ContractError.self) {
                try ContractCoding.decode(
                    AttemptReport.self,
                    from: Array(changed.utf8),
                    name: "report"
                )
            }
            return error?.what ?? ""
        }
        let missing = try refusal(#""peakResidentBytes":1073741824,"#, "")
        #expect(missing == #"The report cannot be read: "peakResidentBytes" is missing at tool"#)
        let wrong = try refusal(#""exitCode":3"#, #""exitCode":"3""#)
        #expect(wrong == "The report cannot be read: expected a number at tool.exitCode")
        let path = try refusal(#""path":"/galaxy/data/dataset_7.dat""#, #""path":7"#)
        let list = try refusal(#""refused":["#, #""refused":7,"other":["#)
        #expect(list == "The report cannot be read: expected a list at refused")
        let tool = try refusal(#""tool":{"#, #""tool":"none","other":{"#)
        #expect(tool == "The report cannot be read: expected an object at tool")
        let relative = try refusal(#""path":"/galaxy/data/dataset_7.dat""#, #""path":"data""#)
        #expect(relative.contains(#""data": it is not absolute at files[0].path"#), "\(relative)")
        #expect(
            path.utf8.elementsEqual(path.logLine.utf8)
                && path.contains("expected a string at files[0].path")
        )
    }

    @Test(
        "B58: values that are none",
        arguments: [
            "", " ", "null", "[]", "7", #""a""#, "{", "{}", #"{"version":"1"}"#,
            #"{"version":1.5}"#, #"{"version":NaN}"#, #"{"version":1e999}"#, #"{"version":-1}"#,
            #"{"version":99999999999999999999}"#, #"{"version":1}"#,
            #"{"version":1,"run":7,"verdict":{}}"#,
            #"{"version":1,"run":"../1","verdict":{}}"#,
            #"{"version":1,"run":"1-0123456789abcdef","verdict":{}}"#,
            #"{"version":1,"run":"1-0123456789abcdef","verdict":{"won":{}}}"#,
            #"{"version":1,"run":"1-0123456789abcdef","verdict":{"ended":{"reason":"x","message":""}}}"#,
            #"{"version":1,"run":"1-0123456789abcdef","verdict":{"committed":{"attempt":"a-00000000","reportSHA256":"00"}}}"#,
            "\u{FEFF}\u{FEFF}{}", "{\"version\":1}garbage", "{\"version\":1,}",
        ]
    )
    func values(_ text: String) {
        let error = refusal(text)
        #expect(error != nil)
        #expect(error.map { $0.what.utf8.allSatisfy { $0 >= 0x20 } } == true)
    }

    @Test("B58: depth 1,000 and 100,000 end in an error, not in a crash")
    func depth() {
        for depth in [1_000, 100_000] {
            let nested =
                #"{"version":1,"x":"# + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth) + "}"
            #expect(refusal(nested)?.code == .malformed)
            let open = String(repeating: #"{"version":"#, count: depth)
            #expect(refusal(open)?.code == .malformed)
        }
    }

    @Test("B58: a key that comes twice does not crash, and one of both values counts")
    func duplicateKeys() {
        let text =
            #"{"version":1,"version":2,"run":"1-0123456789abcdef","verdict":{"ended":{"reason":"failed","message":"a","message":"b"}}}"#
        let error = refusal(text)
        #expect(error == nil || error?.code == .version)
    }

    @Test("B58: sizes below nothing or above all stores are refused by name")
    func sizes() throws {
        var report = try Sample.report()
        func refusal() throws -> String {
            let bytes = try ContractCoding.encode(report)
            let error = #expect(throws: ContractError.self) {
                try ContractCoding.decode(AttemptReport.self, from: bytes, name: "report")
            }
            return error?.what ?? ""
        }
        report.files[0].size = -1
        #expect(
            try refusal()
                == "The report cannot be used: /galaxy/data/dataset_7.dat has -1 bytes"
        )
        report.files[0].size = .max
        #expect(try refusal().contains("has 9223372036854775807 bytes"))
        report.files[0].size = 0
        report.packs[0].size = .min
        #expect(try refusal().contains("the pack galaxy/test/packs/1 has -9223372036854775808"))
        report.packs[0].size = 1
        report.packs[0].files = -1
        #expect(try refusal().contains("has -1 files"))
        report.packs[0].files = 1
        report.files = Array(repeating: report.files[0], count: 20_000)
        for index in report.files.indices { report.files[index].size = 64 << 40 }
        #expect(try refusal().contains("2^60"))

        var spec = try Sample.spec()
        spec.inputs[0].size = -5
        let bytes = try ContractCoding.encode(spec)
        #expect(throws: ContractError.self) {
            try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
        }
    }

    @Test func packsOfASpecHaveASHA256ThoseOfAReportNeedNot() throws {
        var spec = try Sample.spec()
        spec.packs[0].digest = .crc64nvme(Sample.digest)
        let weak = try ContractCoding.encode(spec)
        let error = #expect(throws: ContractError.self) {
            try ContractCoding.decode(RunSpec.self, from: weak, name: "spec")
        }
        #expect(error?.what.contains("the pack galaxy/test/packs/1 has no SHA-256") == true)

        var report = try Sample.report()
        for digest in [PackDigest.crc64nvme(Sample.digest), .sha256(Sample.sha)] {
            report.packs[0].digest = digest
            let bytes = try ContractCoding.encode(report)
            let read = try ContractCoding.decode(AttemptReport.self, from: bytes, name: "report")
            #expect(read.packs == report.packs)
        }
        let text = String(decoding: try ContractCoding.encode(report), as: UTF8.self)
        for fields in [#""sha512":"#, #""crc64nvme":"\#(Sample.digest)","sha256":"#] {
            let bytes = Array(text.replacing(#""sha256":"#, with: fields).utf8)
            let error = #expect(throws: ContractError.self) {
                try ContractCoding.decode(AttemptReport.self, from: bytes, name: "report")
            }
            #expect(error?.line.contains("either sha256 or crc64nvme") == true)
        }
    }

    @Test func anInputIsPinnedByItsDigestOrByTheVersionOfGalaxysObject() throws {
        var spec = try Sample.spec()
        spec.inputs[0].digest = nil
        let bytes = try ContractCoding.encode(spec)
        #expect(throws: ContractError.self) {
            try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
        }
        spec.inputs[0].galaxyObject = GalaxyObject(eTag: "\"abc\"")
        let pinned = try ContractCoding.encode(spec)
        #expect(try ContractCoding.decode(RunSpec.self, from: pinned, name: "spec") == spec)
    }

    @Test func numbersThatJSONHasNotAreATypedErrorWhenWritten() throws {
        var report = try Sample.report()
        report.tool.seconds = .nan
        #expect(throws: ContractError.self) { try ContractCoding.encode(report) }
    }

    @Test func locationsAreAKeyOrAPack() throws {
        let text = String(decoding: try Golden.bytes("report.json"), as: UTF8.self)
        #expect(text.contains(#""location":{"pack":0}"#))
        #expect(text.contains(#""location":{"key":"galaxy/test/data"#))
        let neither = Array(text.utf8).replacing(#"{"pack":0}"#, with: "{}")
        #expect(throws: ContractError.self) {
            try ContractCoding.decode(AttemptReport.self, from: neither, name: "report")
        }
    }

    @Test func storageIsWrittenForTheCommandLine() throws {
        let location = StorageLocation(
            bucket: "b",
            endpoint: "https://s3:9000",
            region: "r",
            encryption: "aws:kms",
            kmsKeyID: "arn:aws:kms:r:1:key/k",
            storageClass: "STANDARD_IA",
            requesterPays: true,
            caPEM: "X"
        )
        let written = try ContractCoding.encode(location)
        try Golden.check(written, "storage.json")
        #expect(try StorageLocation(json: String(decoding: written, as: UTF8.self)) == location)
        let plain = try ContractCoding.encode(StorageLocation(bucket: "b"))
        try Golden.check(plain, "storage-plain.json")
    }

    @Test func storageIsReadFromTheCommandLine() throws {
        let text =
            #"{"bucket":"b","endpoint":"https://s3:9000","region":"r","addressing":"path","checksums":"when_required","encryption":"AES256","allow_http":true,"ca_pem":"X"}"#
        let location = try StorageLocation(json: text)
        #expect(location.endpoint == "https://s3:9000")
        #expect(location.allowHTTP && location.caPEM == "X" && location.encryption == "AES256")
        #expect(location.kmsKeyID == nil && location.storageClass == nil)
        #expect(location.requesterPays == nil)
        let written = try ContractCoding.encode(location)
        #expect(try StorageLocation(json: String(decoding: written, as: UTF8.self)) == location)
        for bad in ["", "{}", "[]", #"{"bucket":7}"#, #"{"bucket":"b"}"#] {
            let error = #expect(throws: ContractError.self) { try StorageLocation(json: bad) }
            #expect(error?.what.utf8.starts(with: "--storage cannot be read".utf8) == true)
        }
    }
}

@Suite struct FigureTests {
    /// A tool, or whoever can write to the bucket, may have a hand in a report.
    @Test func figuresThatNobodyCanHaveMeasuredAreRefused() throws {
        let changes: [(inout AttemptReport) -> Void] = [
            { $0.tool.cpuSeconds = 1e306 }, { $0.tool.cpuSeconds = -1 }, { $0.tool.seconds = 1e10 },
            { $0.tool.peakResidentBytes = -1 }, { $0.tool.exitCode = 256 },
            { $0.tool.exitCode = -1 }, { $0.phases[0].seconds = 1e300 },
            { $0.phases[0].bytes = -1 }, { $0.phases[0].files = -1 },
            { $0.phases[0].retries = .min }, { $0.phases[0].name = "pu\u{1B}[2Jsh" },
        ]
        for (index, change) in changes.enumerated() {
            var report = try Sample.report()
            change(&report)
            let bytes = try ContractCoding.encode(report)
            #expect(throws: ContractError.self, "change \(index)") {
                try ContractCoding.decode(AttemptReport.self, from: bytes, name: "report")
            }
        }
    }
}

extension String {
    /// This text without control characters; equal when it has none.
    fileprivate var logLine: String {
        String(String.UnicodeScalarView(unicodeScalars.filter { $0.value >= 0x20 }))
    }
}

extension String.UTF8View {
    /// The text before and after the first `separator`.
    fileprivate func split(separator: String) -> [Self.SubSequence] {
        let wanted = Array(separator.utf8)
        var start = startIndex
        while start != endIndex {
            if self[start...].starts(with: wanted) {
                return [self[..<start], self[index(start, offsetBy: wanted.count)...]]
            }
            start = index(after: start)
        }
        return []
    }
}

extension [UInt8] {
    /// These bytes with the first `old` replaced.
    func replacing(_ old: String, with new: String) -> [UInt8] {
        let wanted = Array(old.utf8)
        for start in indices where self[start...].starts(with: wanted) {
            return Array(self[..<start]) + Array(new.utf8) + self[(start + wanted.count)...]
        }
        return self
    }
}
