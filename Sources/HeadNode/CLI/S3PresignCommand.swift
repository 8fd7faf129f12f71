// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import S3Client

/// A URL for one object.
struct S3PresignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presign",
        abstract: "Print a URL by which anyone can get, or put, one object.",
        discussion: """
            The URL is a secret: whoever has it needs no credentials until it expires, which is \
            with the credentials that signed it at the latest. The store is not asked, so the \
            object need not be there. What is put by it is encrypted and kept as the bucket's own \
            defaults say.
            """
    )

    @Argument(help: ArgumentHelp("s3://BUCKET/KEY.", valueName: "url"))
    var url: String

    @Flag(help: "For a PUT of the object instead of a GET.")
    var put = false

    @Option(
        help: ArgumentHelp(
            "How long it is good for: 1s to 7d, such as 90s or 12h; 1h without it.",
            valueName: "time"
        ),
        transform: Self.seconds
    )
    var expires: Int64 = 3600

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await conclude(json: output.json) {
            let url = try S3URL(RawArguments.bytes(of: url))
            let key = try url.object()
            let (right, seconds) = (put ? PresignedURL.Right.put : .get, expires)
            let signed = try await S3Command.with(url, config) { store throws(S3Error) in
                try await store.presign(right, key, seconds: seconds)
            }
            if signed.endsEarly {
                Console.err(
                    "The URL ends with the credentials that signed it, at \(signed.expires.text)."
                )
            }
            Console.out(try Self.line(signed, json: output.json))
        }
    }

    /// Seconds from a time with its unit.
    static func seconds(_ text: String) throws -> Int64 {
        guard let seconds = DurationText.seconds(text), PresignedURL.lifetimes.contains(seconds)
        else { throw ValidationError("--expires takes a time from 1s to 7d, such as 90s or 12h.") }
        return seconds
    }

    private static func line(_ signed: PresignedURL, json: Bool) throws(ContractError) -> String {
        // The one place where it is shown.
        let url = signed.url.reveal()
        guard json else { return url }
        let bytes = try ContractCoding.encode(["url": url, "expires": signed.expires.text])
        return String(decoding: bytes, as: UTF8.self)
    }
}
