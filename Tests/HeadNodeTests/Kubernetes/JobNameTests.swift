// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import TestSupport
import Testing

@testable import HeadNode

/// Names and labels of Jobs (bad inputs B64 and B65).
@Suite struct JobNameTests {
    private func name(_ instance: String, _ run: String, _ number: Int) throws -> String {
        JobName(try InstanceName(instance), TryID(run: try RunID(run), number: number)).description
    }

    @Test func aShortNameStaysReadable() throws {
        #expect(
            try name("main", "42-0123456789abcdef", 1) == "gxy-main-42-0123456789abcdef-1"
        )
        #expect(
            try name("main", "42-0123456789abcdef", 12) == "gxy-main-42-0123456789abcdef-12"
        )
    }

    @Test func aLongNameIsCutAndEndsInADigest() throws {
        let instance = String(repeating: "a", count: 32)
        let whole = "gxy-\(instance)-123456789-0123456789abcdef-1"
        let cut = try name(instance, "123456789-0123456789abcdef", 1)
        let digest = SHA256Digest(of: Array(whole.utf8)).hex.prefix(10)
        #expect(cut == whole.prefix(52) + "-" + digest)
        #expect(cut.utf8.count == 63)
    }

    @Test("ten thousand tries have ten thousand names, each a DNS label")
    func property() throws {
        var random = SeededGenerator(seed: 64)
        var names: Set<String> = []
        var inputs: Set<String> = []
        for _ in 0..<10_000 {
            let middle = word("ab-", Int.random(in: 0...30, using: &random), &random)
            let instance = "a\(middle)b"
            let job = word("1a", Int.random(in: 1...32, using: &random), &random)
            let run = "\(job)-\(word("0f", 16, &random))"
            let number = [1, 2, 11, 121].randomElement(using: &random) ?? 1
            let made = try name(instance, run, number)
            inputs.insert("\(instance) \(run) \(number)")
            names.insert(made)
            #expect(KubernetesGrammar.isLabel(Array(made.utf8)[...]), "\(made)")
        }
        #expect(names.count == inputs.count)
        #expect(names.count > 9000)
    }

    /// A name that was not cut never looks like one that was.
    @Test func aTrysNumberIsNoDigest() throws {
        let longest = try name("a", "1-0123456789abcdef", 999_999)
        #expect(longest.split(separator: "-").last?.count == 6)
    }

    private func word(
        _ letters: String,
        _ count: Int,
        _ random: inout SeededGenerator
    ) -> String {
        String((0..<count).map { _ in letters.randomElement(using: &random) ?? "a" })
    }
}

@Suite struct LabelValueTests {
    @Test(arguments: ["", "a", "samtools_sort", "2.0.5", "A-b_c.d9", "main"])
    func whatIsAValueStaysAsItIs(_ text: String) {
        #expect(LabelValue(text).description == text)
    }

    @Test(arguments: [
        "-a", "a-", ".a", "a b", "é", "e\u{301}", "a\nb", "toolshed/repos", "\u{0}", "_",
        String(repeating: "a", count: 64), "a.h0123456789", "🧬", "2.0.5+galaxy1",
    ])
    func whatIsNoneIsMadeOneAndEndsInItsDigest(_ text: String) {
        let value = LabelValue(text).description
        #expect(LabelValue.isValid(Array(value.utf8)))
        #expect(value.utf8.count <= 63)
        let digest = SHA256Digest(of: Array(text.utf8)).hex.prefix(10)
        #expect(value.hasSuffix(".h\(digest)"), "\(value)")
    }

    @Test("ten thousand texts, alike but for what a label cannot hold, stay apart")
    func property() {
        var random = SeededGenerator(seed: 65)
        let pieces = [
            "a", "-", "_", ".", " ", "/", "é", "e\u{301}", "\n", "B", "7", ".h0123456789",
            "\u{200B}",
        ]
        var texts: Set<[UInt8]> = []
        var values: Set<String> = []
        for _ in 0..<10_000 {
            let count = Int.random(in: 0...40, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            texts.insert(Array(text.utf8))
            let value = LabelValue(text).description
            values.insert(value)
            #expect(LabelValue.isValid(Array(value.utf8)), "\(value)")
            // What was made is not itself taken for something that was made of itself.
            if value != text { #expect(LabelValue(value).description != value) }
        }
        #expect(values.count == texts.count)
    }
}

@Suite struct JobLabelsTests {
    private func labels(_ subject: JobSubject) throws -> JobLabels {
        JobLabels(
            try PlanSample.order(),
            nameInstance: try InstanceName("eu"),
            job: subject,
            metadata: PodMetadataSettings()
        )
    }

    @Test func aToolOfTheToolShedHasANameAndAVersion() throws {
        let made = try labels(PlanSample.subject)
        #expect(made.labels["app.kubernetes.io/name"] == "samtools_sort")
        let version = try #require(made.labels["app.kubernetes.io/version"])
        #expect(version.hasPrefix("2.0.5_galaxy1.h"))
        #expect(made.annotations["app.kubernetes.io/version"] == "2.0.5+galaxy1")
        #expect(made.annotations["galaxy-s3-executor/tool-id"] == PlanSample.subject.toolID)
        #expect(made.labels["app.galaxyproject.org/job_id"] == "42")
        #expect(made.labels["app.galaxyproject.org/handler"] == "main.job-handlers.1")
        #expect(made.annotations["app.galaxyproject.org/destination"] == "k8s large")
    }

    @Test func anotherToolHasANameAlone() throws {
        let made = try labels(JobSubject(toolID: "a/repos/b", image: nil))
        #expect(made.annotations["app.kubernetes.io/name"] == "a/repos/b")
        #expect(made.labels["app.kubernetes.io/version"] == nil)
        #expect(made.labels["app.galaxyproject.org/handler"] == nil)
    }

    @Test("what a label cannot hold is an annotation, however hostile")
    func hostile() throws {
        let id = "x\u{0}\n\"$(POD_UID)'{}" + String(repeating: "é", count: 9000)
        let made = try labels(JobSubject(toolID: id, image: nil))
        for value in made.labels.values {
            #expect(LabelValue.isValid(Array(value.utf8)))
        }
        let noted = try #require(made.annotations["galaxy-s3-executor/tool-id"])
        #expect(noted.utf8.count <= 4100)
        #expect(id.hasPrefix(noted.dropLast()))
    }
}
