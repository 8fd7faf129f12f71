// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names
import TestSupport
import Testing

@testable import HeadNode

/// Nothing that a value holds is more than data (controls T14 and T15).
@Suite struct ExpansionTests {
    /// What the kubelet makes of a text (Kubernetes, third_party/forked/golang/expansion/expand.go):
    /// `$(NAME)` is the variable, if there is one, and `$$` is `$`.
    static func expand(
        _ text: String,
        _ variables: [String: String]
    ) -> String {
        let dollar = UInt8(ascii: "$")
        var rest = Array(text.utf8)[...]
        var made: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == dollar, let next = rest.first else {
                made.append(byte)
                continue
            }
            if next == dollar {
                made.append(dollar)
                rest = rest.dropFirst()
            } else if next == UInt8(ascii: "("), let end = rest.firstIndex(of: UInt8(ascii: ")")) {
                let name = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
                made += Array((variables[name] ?? "$(\(name))").utf8)
                rest = rest[(end + 1)...]
            } else {
                made += [dollar, next]
                rest = rest.dropFirst()
            }
        }
        return String(decoding: made, as: UTF8.self)
    }

    static let hostile = [
        "", "$", "$$", "$$$", "$(POD_UID)", "$$(POD_UID)", "$$$(POD_UID)", "$(", "$()", "$(A$(B))",
        "'", "\"", "\\", "\\\"", "\n", "\r\n", "\u{0}", "\u{2028}", "é", "e\u{301}", "{}", "[]",
        "</script>", "`id`", "$(id)", "; rm -rf /", "&& true", "| cat", "-x", "--", "--state",
        "%s", "%(a)s", "{{ x }}", "!!python/object", "&a *a", "# comment", "a: b", "\t", "~",
        "$POD_UID", "${POD_UID}", "\u{202E}",
    ]

    @Test(arguments: hostile) func aLiteralArrivesAsItIs(_ text: String) {
        let written = ExpandableText.literal(text).text
        #expect(Self.expand(written, ["POD_UID": "uid", "A": "a", "id": "0"]) == text)
    }

    @Test func randomTextsArriveAsTheyAre() {
        var random = SeededGenerator(seed: 14)
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...12, using: &random))
                .map { _ in ["$", "(", ")", "A", "é"].randomElement(using: &random) ?? "" }.joined()
            #expect(Self.expand(ExpandableText.literal(text).text, ["A": "x", "": "y"]) == text)
        }
    }

    @Test func theExpansionItselfWorks() {
        #expect(Self.expand(ExpandableText.variable("A").text, ["A": "x"]) == "x")
        #expect(Self.expand("$(A)$(B)$$(A)$x", ["A": "1"]) == "1$(B)$(A)$x")
    }

    /// Hostile text in every place of a job that reaches a manifest: decoding gives it back, and
    /// the manifest has the same fields as that of a tame job.
    @Test(arguments: hostile.filter { !$0.isEmpty })
    func aJobsOwnWordsChangeNoField(_ text: String) throws {
        let settings = try PlanSample.settings()
        var subject = PlanSample.subject
        subject.toolID = text
        subject.handler = text
        subject.destination = text
        let order = try PlanSample.order(roots: [Array("/galaxy/".utf8) + safe(text)], bucket: text)
        let plan = try PlanSample.plan(order, settings, subject: subject)
        let tree = try JSONTree(bytes: plan.manifest)
        #expect(tree["metadata", "annotations", "galaxy-s3-executor/tool-id"] == .text(text))
        let pod = try #require(tree["spec", "template", "spec"])
        let tameOrder = try PlanSample.order(roots: [Array("/galaxy/r".utf8)])
        let tame = try PlanSample.plan(tameOrder, settings)
        let tamePod = try #require(try JSONTree(bytes: tame.manifest)["spec", "template", "spec"])
        #expect(fields(pod) == fields(tamePod))

        let fetch = try #require(pod["initContainers"]?.list.first)
        let words = (fetch["args"]?.list ?? []).compactMap(\.text)
            .map { Self.expand($0, ["POD_UID": "uid"]) }
        let storage = try #require(words.firstIndex(of: "--storage"))
        #expect(try StorageLocation(json: words[storage + 1]).bucket == text)
        let uid = try #require(words.firstIndex(of: "--pod"))
        #expect(words[uid + 1] == "uid", "and the one variable is one")
        #expect(words.filter { $0 == "uid" }.count == 1)
    }

    @Test(arguments: hostile.filter { !$0.contains("\u{0}") })
    func anAdministratorsValuesAreDataToo(_ text: String) throws {
        var settings = try PlanSample.settings()
        settings.tool.environment = [NamedText(name: "A", value: text)]
        settings.worker.environment = [NamedText(name: "B", value: text)]
        let plan = try PlanSample.plan(PlanSample.order(), settings)
        let pod = try JSONTree(bytes: plan.manifest)["spec", "template", "spec"]
        func value(_ container: JSONTree?, _ name: String) -> String? {
            container?["env"]?.list.first { $0["name"] == .text(name) }?["value"]?.text
        }
        let tool = try #require(value(pod?["containers"]?.list.first, "A"))
        let fetch = try #require(value(pod?["initContainers"]?.list.first, "B"))
        #expect(Self.expand(tool, ["POD_UID": "x", "id": "0"]) == text)
        #expect(Self.expand(fetch, ["POD_UID": "x", "id": "0"]) == text)
    }

    /// As a path holds it: no NUL, no slash, no colon, and not a dot alone.
    private func safe(_ text: String) -> [UInt8] {
        [UInt8(ascii: "r")] + text.utf8.filter { !"/:\u{0}".utf8.contains($0) }
    }

    /// The names of all fields, and how many elements lists have.
    private func fields(_ tree: JSONTree) -> [String] {
        switch tree {
        case .fields(let fields):
            fields.keys.sorted()
                .flatMap { key in
                    [key] + (fields[key].map(self.fields) ?? []).map { "\(key).\($0)" }
                }
        case .list(let values):
            ["\(values.count)"] + values.flatMap(fields)
        default: []
        }
    }
}
