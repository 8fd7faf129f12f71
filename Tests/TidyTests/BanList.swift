// SPDX-License-Identifier: Apache-2.0

extension BanRule {
    static let all = crashes + concurrency + layers + names + leftovers

    private static let crashes = [
        BanRule(
            pattern: #"\btry!"#,
            instead: "throw the error on; in tests use `try #require`",
            example: "let a = try! b()"
        ),
        BanRule(
            pattern: #"\bas!"#,
            instead: "use `as?` and an error that says what was found",
            example: "let a = b as! C"
        ),
        BanRule(
            pattern: #"\bfatalError\("#,
            instead:
                "throw an error; for a bug of our own use `preconditionFailure` with a sentence",
            example: "fatalError()"
        ),
    ]

    private static let concurrency = [
        BanRule(
            pattern: #"\bTask(\.detached)?( \{|\()"#,
            scope: .sources,
            allowsReason: true,
            instead:
                "use `async let` or a task group; a bridge needs its reason in a comment above",
            example: "Task { await run() }"
        ),
        BanRule(
            pattern: #"@unchecked Sendable"#,
            allowsReason: true,
            instead: "say in a comment above why it is safe, or use Mutex or an actor",
            example: "final class A: @unchecked Sendable {}"
        ),
        BanRule(
            pattern: #"nonisolated\(unsafe\)"#,
            allowsReason: true,
            instead: "use Mutex or an actor, or say in a `// SAFETY:` line above why it is safe",
            example: "nonisolated(unsafe) var a = 0"
        ),
        BanRule(
            pattern: #"\bDispatchSemaphore\b|\bDispatchQueue\b|\bNSLock\b"#,
            instead: "use Mutex, an actor or a task group: a blocked thread is lost to all tasks",
            example: "let a = DispatchSemaphore(value: 0)"
        ),
    ]

    private static let layers = [
        BanRule(
            pattern: #"^\s*(@\w+ )?(\w+ )?import (\w+ )?Foundation\b"#,
            instead:
                "import FoundationEssentials, or better Glibc: Foundation adds 40 MB to the worker",
            example: "import Foundation"
        ),
        BanRule(
            pattern: #"\bURLSession\b|\bURLRequest\b"#,
            instead: "use Transport's HTTPTransport",
            example: "URLSession.shared.data(for: request)"
        ),
        BanRule(
            pattern: #"(^|[^.\w])print\("#,
            scope: .sources,
            instead: "write through the one renderer of this program: stdout may be a protocol",
            example: #"    print("done")"#
        ),
        BanRule(
            pattern: #"\bpublic (struct|class|enum|actor|protocol|func|var|let|init)\b"#,
            instead: "use `package`: nobody outside this package imports us",
            example: "public struct A {}"
        ),
    ]

    /// Names, paths, keys, headers and configuration lines are bytes: `"../\u{301}x"` does not have
    /// the prefix `"../"`, CR LF is one Character, and two spellings of é are one String. Text that
    /// this program wrote itself, in ASCII, may be a String where a comment says so.
    private static let names = [
        BanRule(
            pattern: #"\.has(Prefix|Suffix)\(\""#,
            scope: .sources,
            allowsReason: true,
            instead:
                "compare bytes: `bytes.starts(with:)`, or the type in Names that knows the format",
            example: #"if path.hasPrefix("/tmp") {"#
        ),
        BanRule(
            pattern: #"\.(split\(separator: \"|components\(separatedBy)"#,
            scope: .sources,
            allowsReason: true,
            instead: "split bytes: `bytes.split(separator: UInt8(ascii: …))`",
            example: #"let parts = path.split(separator: "/")"#
        ),
        BanRule(
            pattern: #"\.(lowercased|uppercased)\(\)|\.capitalized\b"#,
            scope: .sources,
            allowsReason: true,
            instead: "header and host names are ASCII: fold bytes, not Characters",
            example: "let name = header.lowercased()"
        ),
    ]

    private static let leftovers = [
        BanRule(
            pattern: #"\b(TODO|FIXME|XXX|HACK)\b"#,
            includesComments: true,
            instead: "do it, or write down in ARCHITECTURE.md what is missing and why",
            example: "// TODO: later"
        )
    ]
}
