// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import FoundationEssentials
import Names
import TestSupport
import Testing

@Suite struct GrammarTests {
    @Test(
        "B53: a job id that is none is refused",
        arguments: [
            "", "-1", "12; rm -rf /", "../1", "1/2", "A", "é", "1\u{301}", "1\n", " 1", "1_2",
            "1-2",
            String(repeating: "1", count: 33), String(repeating: "9", count: 300), "$(id)",
            "1\u{0}",
        ]
    )
    func badJobIDs(_ text: String) {
        #expect(GalaxyJobID(text) == nil)
    }

    @Test(arguments: ["0", "1", "9223372036854775808", "abc123", String(repeating: "z", count: 32)])
    func jobIDs(_ text: String) throws {
        let job = try #require(GalaxyJobID(text))
        let run = RunID(drawnFor: job)
        #expect(try RunID(run.description) == run)
        #expect(run != RunID(drawnFor: job))
    }

    @Test(
        "B53: a run that is none is refused",
        arguments: [
            "", "1", "1-", "-0123456789abcdef", "1-0123456789abcde", "1-0123456789abcdef0",
            "1-0123456789ABCDEF", "1-0123456789abcdeg", "1--0123456789abcdef",
            "../1-0123456789abcdef",
            "1/2-0123456789abcdef", "1-0123456789abcde\u{301}", "1-0123456789abcdef\n",
        ]
    )
    func badRuns(_ text: String) {
        let error = #expect(throws: ContractError.self) { try RunID(text) }
        #expect(error?.code == .badValue)
        #expect(error?.what.utf8.allSatisfy { $0 >= 0x20 } == true)
    }

    @Test(arguments: [
        "", "a", "-00000000", "a-0000000", "a-000000000", "a-0000000G", "A-00000000",
        "a/b-00000000",
        "a.b-00000000", "é-00000000", String(repeating: "a", count: 65) + "-00000000",
    ])
    func badAttempts(_ text: String) {
        #expect(throws: ContractError.self) { try AttemptID(text) }
    }

    @Test func attemptsAreDrawn() throws {
        let uid = "0f8fad5b-d9cb-469f-a165-70867728950e"
        let attempt = try AttemptID(drawnFor: uid)
        #expect(attempt.description.utf8.count == uid.utf8.count + 9)
        #expect(try attempt != AttemptID(drawnFor: uid))
        #expect(throws: ContractError.self) { try AttemptID(drawnFor: "a b") }
    }

    @Test(arguments: [
        "", "-a", "a-", "A", "a.b", "a_b", "a/b", "é", "a\u{301}",
        String(repeating: "a", count: 33),
    ])
    func badInstances(_ text: String) {
        #expect(throws: ContractError.self) { try InstanceName(text) }
    }

    @Test(arguments: [
        ("", ""), ("/", ""), ("a", "a"), ("/a/b/", "a/b"), ("A.b_c-9/x", "A.b_c-9/x"),
        ("...", "..."),
    ])
    func prefixes(_ text: String, _ taken: String) throws {
        #expect(try KeyPrefix(text).description == taken)
    }

    @Test(arguments: [
        "a//b", "a/./b", "a/../b", "..", ".", "a b", "a%2F", "é", "a\u{301}", "a\n", "a/\u{301}b",
        String(repeating: "a", count: 257),
    ])
    func badPrefixes(_ text: String) {
        #expect(throws: ContractError.self) { try KeyPrefix(text) }
    }

    @Test func identifiersInJSONKeepTheirGrammar() throws {
        func read<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
            try #require(JSONDecoder().decode([Value].self, from: Data("[\"\(text)\"]".utf8)).first)
        }
        #expect(throws: (any Error).self) { try read(RunID.self, "../1") }
        #expect(throws: (any Error).self) { try read(InstanceName.self, "A") }
        #expect(throws: (any Error).self) { try read(SHA256Digest.self, "AB") }
        for bad in ["", "0", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0"] {
            #expect(throws: (any Error).self) { try read(CRC64NVME.self, bad) }
        }
        #expect(try read(CRC64NVME.self, "00000000000000ff") == CRC64NVME(value: 255))
        for bad in ["", "64", "8", "888", "0644", "1644", "+644", "-44", "6 4", "٦٤٤"] {
            #expect(throws: (any Error).self) { try read(FileMode.self, bad) }
        }
    }

    @Test("B20: setuid, setgid and sticky never travel")
    func modes() throws {
        #expect(FileMode(0o104_755).description == "755")
        #expect(FileMode(0o7007).description == "007")
        for bits in UInt32(0)...0o777 {
            let mode = FileMode(bits)
            let bytes = try JSONEncoder().encode([mode])
            #expect(try JSONDecoder().decode([FileMode].self, from: bytes) == [mode])
        }
    }

    @Test(
        "B21: any time the kernel knows is written and read back",
        arguments: [0, 1, -1, -2_177_452_800, 4_291_747_200, .max, .min] as [Int64],
        [0, 1, 5, 999_999_999, 500_000_000] as [Int32]
    )
    func times(_ seconds: Int64, _ nanoseconds: Int32) throws {
        let time = FileTime(seconds: seconds, nanoseconds: nanoseconds)
        #expect(FileTime(time.description) == time)
    }

    @Test(arguments: [
        "", ".", "1", "1.", "1.5", ".000000000", "1.0000000000", "1.00000000", "+1.000000000",
        "-0.000000000", "01.000000000", "1.-00000001", "1,000000000",
        "9223372036854775808.000000000",
        " 1.000000000", "1.00000000٠", "1.000000000\n", "1.+00000001",
    ])
    func badTimes(_ text: String) {
        #expect(FileTime(text) == nil)
    }
}
