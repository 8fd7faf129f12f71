// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F60 to F79: what an S3 server and the network before it can do wrong, while a whole job goes
/// through. Invariants 1, 2 and 6.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct StoreMatrixTests {
    /// What goes wrong, and how.
    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let rules: String
        /// How large the job's input is: of several parts, usually.
        let inputBytes: Int

        init(_ description: String, _ rules: String, inputBytes: Int = 20_000_000) {
            testDescription = description
            self.rules = "[\(rules)]"
            self.inputBytes = inputBytes
        }

        /// A status that comes by chance, everywhere.
        static func status(_ status: Int, _ code: String) -> Fault {
            Fault(
                "\(status) \(code), one in five",
                #"{"probability": 0.2, "seed": \#(status), "status": \#(status), "code": "\#(code)"}"#
            )
        }

        /// A byte of every other answer is changed on its way. What has parts comes whole once more if
        /// one of them is damaged, so there are none.
        static func damaged(_ place: Int) -> Fault {
            let odd = stride(from: 1, to: 80, by: 2).map { "\($0)" }.joined(separator: ",")
            return Fault(
                "GetObject: byte \(place), every other time",
                #"{"operation": "GetObject", "nth": [\#(odd)], "flip": \#(place)}"#,
                inputBytes: 300_000
            )
        }

        /// Something about what reads of such a key give, the first three that find something.
        static func read(_ key: String, _ effect: String) -> Fault {
            Fault(
                "GetObject \(key): \(effect)",
                #"{"operation": "GetObject", "key": "\#(key)", "times": 3, \#(effect)}"#
            )
        }

        /// Something about one operation, once.
        static func once(_ operation: String, _ effect: String) -> Fault {
            Fault(
                "\(operation): \(effect)",
                #"{"operation": "\#(operation)", "nth": 1, \#(effect)}"#
            )
        }
    }

    private static let writes = [
        "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
    ]

    /// What passes: nobody but the log hears of it.
    static let passing: [Fault] =
        [
            .status(500, "InternalError"), .status(502, "BadGateway"),
            .status(503, "SlowDown"), .status(504, "GatewayTimeout"),
            .status(429, "TooManyRequests"),
        ]
        + writes.map { .once($0, #""committed": true, "reset": true"#) }
        + writes.map { .once($0, #""committed": true, "status": 500"#) }
        + writes.map { .once($0, #""reset": true"#) }
        + ["PutObject", "UploadPart"].map { .once($0, #""flip_sent": 5"#) }
        + [("PutObject", 0), ("PutObject", 300), ("UploadPart", 1), ("UploadPart", 3_000_000)]
        .map { .once($0, #""cut_sent": \#($1)"#) }
        // An input, the pack of the job directory, an output, and the word on how it ended.
        + ["/stage/", "/pack/", "/job/[0-9]+$", "/result.json$"]
        .flatMap { key in
            [
                #""reset": true"#, #""cut": 0"#, #""cut": 200"#, #""cut": 200, "rest": "gone""#,
                #""flip": 9"#,
            ]
            .map { .read(key, $0) }
        }
        + ["/stage/", "/job/[0-9]+$"].map { .read($0, #""cut": 5000"#) }
        + [
            Fault(
                "the result breaks off while it is sent",
                #"{"key": "/result.json$", "method": "PUT", "nth": 1, "cut_sent": 20}"#
            ),
            .read("/stage/", #""delay": 3"#),
            .once("CompleteMultipartUpload", #""status": 200, "code": "InternalError""#),
            .once("CompleteMultipartUpload", #""status": 200, "body": "?""#),
            .once("PutObject", #""status": 409, "code": "ConditionalRequestConflict""#),
            .once("PutObject", #""status": 502, "body": "<html><h1>Bad gateway</h1>""#),
            .read("/result.json$", #""status": 200, "body": "<html>Back soon</html>""#),
            Fault(
                "GetObject of an input: ExpiredToken",
                """
                {"operation": "GetObject", "key": "/stage/", "nth": 1, "status": 403,
                 "code": "ExpiredToken"}
                """
            ),
            // Of a client that is too slow, so only where there is a body.
            Fault(
                "400 RequestTimeout, one in three",
                #"{"method": "PUT", "probability": 0.3, "status": 400, "code": "RequestTimeout"}"#
            ),
            Fault(
                "uploads in parts that an administrator has cleaned up",
                """
                {"operation": "CompleteMultipartUpload", "nth": [1, 4], "status": 404,
                 "code": "NoSuchUpload"}
                """
            ),
            Fault(
                "the result is stored, and the answer lost",
                #"{"key": "/result.json$", "method": "PUT", "nth": 1, "committed": true, "reset": true}"#
            ),
            // In a pack: a member's name, its size, its bytes; in a document: anything.
            .damaged(3), .damaged(130), .damaged(520), .damaged(-1),
            Fault("pages of one key", #"{"operation": "ListObjectsV2", "page": 1}"#),
            Fault("a server 20 minutes ahead", #"{"skew": 1200}"#),
            Fault("a server 20 minutes behind", #"{"skew": -1200}"#),
            Fault(
                "a server whose clock jumps back by 40 minutes, and forth again",
                #"{"skew": 1200, "times": 10}, {"skew": -1200, "times": 10}, {"skew": 1200}"#
            ),
            Fault("slow", #"{"operation": "GetObject", "drip": 4000000}"#),
            Fault(
                "8 Mbit/s",
                #"{"operation": "GetObject", "drip": 1000000}"#,
                inputBytes: 9_000_000
            ),
        ]

    @Test(arguments: passing) func whatPassesIsNobodysEnd(_ fault: Fault) async throws {
        try await FaultyStore.run { store in
            let job = try Self.job(store.lab, fault.inputBytes)
            try store.rules(fault.rules)
            let (status, answer) = try await store.lab.run(job)
            let said = answer.error?.message ?? answer.ending?.message ?? ""
            #expect(status == 0, "\(said)")
            #expect(answer.failedTries == [], "\(said)")
            if fault.testDescription != "pages of one key" {
                #expect(try store.uses().contains { $0 > 0 }, "the fault did not happen")
            }
            try store.rules("[]")
            try await KillTests.expectResult(of: job, store.lab)
            #expect(try await store.lab.keys("started.json").count == 1, "the tool ran once")
        }
    }

    /// A job with an input and an output of several parts.
    private static func job(
        _ lab: Lab,
        _ inputBytes: Int = 20_000_000
    ) throws -> GalaxyJob {
        let tool = """
            echo live; md5sum < "$IN1" > "$OUT"
            cp "$IN1" "$JOB/working/copy"; echo once > "$JOB/mark.$$.$RANDOM"
            """
        let job = try GalaxyJob(folder: lab.folder, tool: tool)
        try Shell.run("head -c \(inputBytes) /dev/urandom > \(job.largeInput)")
        return job
    }

    /// What does not pass: it is said at once, with what to do, and the run goes on when it is mended.
    static let lasting: [(Fault, [String])] = [
        (
            Fault(
                "no rights",
                #"{"operation": "PutObject", "status": 403, "code": "AccessDenied"}"#
            ),
            ["AccessDenied", "s3:PutObject"]
        ),
        (Fault("no bucket", #"{"status": 404, "code": "NoSuchBucket"}"#), ["bucket"]),
        (
            Fault("unknown keys", #"{"status": 403, "code": "InvalidAccessKeyId"}"#),
            ["InvalidAccessKeyId"]
        ),
        (
            Fault("wrong keys", #"{"status": 403, "code": "SignatureDoesNotMatch"}"#),
            ["SignatureDoesNotMatch"]
        ),
        (
            Fault("no room", #"{"method": "PUT", "status": 507, "code": "QuotaExceeded"}"#),
            ["QuotaExceeded"]
        ),
    ]

    @Test(arguments: lasting.indices) func whatLastsIsSaidAtOnce(_ index: Int) async throws {
        let (fault, words) = Self.lasting[index]
        try await FaultyStore.run { store in
            let job = try Self.job(store.lab)
            try store.rules(fault.rules)
            let ending = try await store.lab.head("run", job)
            #expect(ending.status != 0)
            for word in words + [store.lab.server.bucket] {
                #expect(ending.errors.contains(word), "\(fault): \(word): \(ending.errors)")
            }
            #expect(try store.requests().count < 40, "nothing is asked again and again")
            try store.rules("[]")
            let (status, answer) = try await store.lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            try await KillTests.expectResult(of: job, store.lab)
        }
    }
}
