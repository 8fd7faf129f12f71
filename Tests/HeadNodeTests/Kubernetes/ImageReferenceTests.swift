// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct ImageReferenceTests {
    private static let digest = "@sha256:" + PlanSample.digest

    @Test(arguments: [
        ("busybox", "docker.io/library/busybox"),
        ("busybox:1", "docker.io/library/busybox"),
        ("library/busybox:1", "docker.io/library/busybox"),
        ("index.docker.io/busybox", "docker.io/library/busybox"),
        ("galaxy/tool:latest", "docker.io/galaxy/tool"),
        ("quay.io/biocontainers/bwa:0.7.17--h5bf99c6_8", "quay.io/biocontainers/bwa"),
        ("localhost/glibc:1", "localhost/glibc"),
        ("localhost:5000/a/b/c", "localhost:5000/a/b/c"),
        ("Registry.Example.org/a__b/c-_d:x", nil),
        ("Registry.Example.org/a__b/c--d:x", "registry.example.org/a__b/c--d"),
        ("quay.io/a/b:1" + digest, "quay.io/a/b"),
        ("quay.io/a/b" + digest, "quay.io/a/b"),
    ])
    func namesAreWrittenOut(_ text: String, _ name: String?) {
        #expect((try? ImageReference(text))?.name.description == name)
        #expect((try? ImageReference(text))?.description == name.map { _ in text })
    }

    @Test(
        "bad input B67: what is no image is refused, and why",
        arguments: [
            ("", "it is empty"), ("docker://busybox", "docker://"), ("Busybox", "lower-case"),
            ("quay.io/Upper/x", "lower-case"), ("a b", "lower-case"), ("busybox\n", "lower-case"),
            ("$(id)", "lower-case"), ("busybox:", "tag"), ("busybox:-x", "tag"),
            ("busybox:\(String(repeating: "x", count: 129))", "tag"),
            ("busybox@sha256:12", "sha256"),
            ("busybox@md5:\(PlanSample.digest)", "sha256"), ("/busybox", "lower-case"),
            ("quay.io/", "lower-case"), ("quay.io//x", "lower-case"), ("../x", "lower-case"),
            ("quay.io:99999999/x", "lower-case"), ("a___b", "lower-case"), ("a..b/c", "lower-case"),
            ("-a/b", "lower-case"), ("é", "lower-case"), ("x:y:z", "tag"),
            ("x:1 --privileged", "tag"),
            (String(repeating: "a/", count: 200) + "b", "lower-case"),
            ("quay.io/x@sha256:\(PlanSample.digest.uppercased())", "sha256"),
        ]
    )
    func whatIsNoImage(_ text: String, _ why: String) {
        let error = #expect(throws: BadValue.self) { try ImageReference(text) }
        #expect(error?.why.contains(why) == true, "\(error?.why ?? "")")
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func onlyADigestPins() throws {
        #expect(try ImageReference(PlanSample.worker).isPinned)
        #expect(try !ImageReference("quay.io/a/b:1.0").isPinned)
    }
}

@Suite struct RegistryMirrorsTests {
    private func pull(_ image: String, _ rules: String...) throws -> String {
        let table = RegistryMirrors(rules: try rules.map(RegistryMirrors.Rule.read))
        return table.name(for: try ImageReference(image))
    }

    @Test func whatNoRuleNamesStaysAsItWasWritten() throws {
        #expect(try pull("busybox:1") == "busybox:1")
        #expect(try pull("busybox:1", "quay.io=m.example.org/q") == "busybox:1")
        #expect(try pull("quay.iox/a", "quay.io=m.example.org/q") == "quay.iox/a")
        #expect(try pull("quay.io/bio2/a", "quay.io/bio=m.example.org") == "quay.io/bio2/a")
    }

    @Test func theRestOfTheNameAndTheTagStay() throws {
        #expect(
            try pull("quay.io/biocontainers/bwa:1--0", "quay.io=mirror.example.org/quay")
                == "mirror.example.org/quay/biocontainers/bwa:1--0"
        )
        #expect(
            try pull("quay.io/a/b@sha256:\(PlanSample.digest)", "quay.io=m.example.org:5000")
                == "m.example.org:5000/a/b@sha256:\(PlanSample.digest)"
        )
    }

    @Test func dockersOwnNamesAreWrittenOutFirst() throws {
        let rule = "docker.io=m.example.org/docker"
        #expect(try pull("busybox:1", rule) == "m.example.org/docker/library/busybox:1")
        #expect(try pull("galaxy/tool", rule) == "m.example.org/docker/galaxy/tool")
        #expect(
            try pull("busybox", "index.docker.io=m.example.org") == "m.example.org/library/busybox"
        )
    }

    @Test func theLongestNameWins() throws {
        let rules = [
            "quay.io=one.example.org", "quay.io/bio/bwa=three.example.org/x",
            "quay.io/bio=two.example.org",
        ]
        let table = RegistryMirrors(rules: try rules.map(RegistryMirrors.Rule.read))
        func name(_ image: String) throws -> String { table.name(for: try ImageReference(image)) }
        #expect(try name("quay.io/bio/bwa:1") == "three.example.org/x:1")
        #expect(try name("quay.io/bio/bowtie:1") == "two.example.org/bowtie:1")
        #expect(try name("quay.io/other/bwa:1") == "one.example.org/other/bwa:1")
    }

    @Test(arguments: ["quay.io", "=x.example.org", "quay.io=", "quay=m.example.org", "a.b=c d.e"])
    func whatIsNoRuleIsRefused(_ text: String) {
        #expect(throws: BadValue.self) { try RegistryMirrors.Rule.read(text) }
    }
}
