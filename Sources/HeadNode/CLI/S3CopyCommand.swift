// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import Staging

/// Copies a file into a bucket or out of it, or a directory with all that is in it.
struct S3CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp",
        abstract: "Copy a file or directory into a bucket, or out of it, verified.",
        discussion: """
            One of the two is s3://BUCKET/KEY, the other a file. A target that ends in a slash, or \
            is a directory, keeps the name. An object replaces the one at its key at once; a file \
            gets its name only when all of it has arrived and its digest is right, so a copy that \
            was cut off leaves what was there.

            Large objects go in parts, several at a time; memory does not grow with their size.

            With --recursive, everything in and below a directory goes to the keys that begin with \
            s3://BUCKET/PREFIX/, or the other way round. Hidden files are copied; nothing is \
            deleted. Symbolic links are not followed, each is a failure, but with --skip-links. \
            Empty directories do not travel; an empty object whose key ends in a slash becomes a \
            directory. Keys that are no path below the directory (.., empty or doubled parts) are \
            refused. Each failure is named, all other files are copied, and the exit status is that \
            of the failures, or 1 if they differ. Files get their names when they are on the disk. \
            An interrupted copy keeps what has come whole.
            """
    )

    @Argument(
        help: ArgumentHelp("What to copy: a file, or s3://BUCKET/KEY.", valueName: "source")
    )
    var source: String

    @Argument(help: ArgumentHelp("Where to: s3://BUCKET/KEY, or a file.", valueName: "target"))
    var target: String

    @Flag(help: "Copy a whole directory, or all below a prefix that ends in a slash.")
    var recursive = false

    @Flag(help: "With --recursive: leave symbolic links out.")
    var skipLinks = false

    @Option(
        help: """
            How many parts (8 without it, and up to 32 once they are slow) or, with --recursive, \
            files (32) travel at a time, from 1 to 64.
            """
    )
    var parallel: Int?

    @Option(
        help: "How large a part or range is, from 5Mi to 5Gi; without it from 8Mi to 16Mi, evenly."
    )
    var partSize: String?

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let inBucket = [source, target].filter { S3URL.isURL(Array($0.utf8)) }
        guard inBucket.count == 1 else {
            throw ValidationError("One of source and target is s3://BUCKET/KEY, the other a file.")
        }
        try validateFolder(url: inBucket[0])
        guard (1...64).contains(parallel ?? 1) else {
            throw ValidationError("--parallel takes a number from 1 to 64.")
        }
        _ = try limits()
    }

    private func validateFolder(url: String) throws {
        guard recursive else {
            guard !skipLinks else {
                throw ValidationError("--skip-links goes with --recursive.")
            }
            return
        }
        let name = url.utf8.dropFirst(S3URL.scheme.count)
        guard name.last == FilePath.separator || !name.contains(FilePath.separator) else {
            throw ValidationError(
                "--recursive takes a prefix that ends in a slash, so that s3://b/run-1/ does not "
                    + "take s3://b/run-10/ along."
            )
        }
    }

    func run() async throws {
        if recursive { return try await runRecursive() }
        try await conclude(json: output.json) {
            let source = RawArguments.bytes(of: source)
            let target = RawArguments.bytes(of: target)
            let isUpload = S3URL.isURL(target)
            let url = try S3URL(isUpload ? target : source)
            let limits = try limits()
            let key = isUpload ? try url.object(for: source) : try url.object()
            let file = isUpload ? source : Self.file(target, for: key)
            let display = TransferDisplay(
                meter: PhaseMeter(isUpload ? "upload" : "download"),
                isShown: OutputOptions.hasTerminal && !output.json
            )
            let start = Clock.monotonicSeconds()
            let copied = try await S3Command.with(url, config) { store throws(S3Error) in
                let copy = ObjectCopy(store: store, limits: limits, meter: display.meter)
                return
                    try await display.during { () -> Result<ObjectCopy.Copied, S3Error> in
                        do throws(S3Error) {
                            return .success(
                                isUpload
                                    ? try await copy.upload(file, to: key)
                                    : try await copy.download(key, to: file)
                            )
                        } catch { return .failure(error) }
                    }
                    .get()
            }
            let seconds = Clock.monotonicSeconds() - start
            let ends = (file.logSafe, url.text(key))
            CopyReport(
                source: isUpload ? ends.0 : ends.1,
                target: isUpload ? ends.1 : ends.0,
                copied: copied,
                seconds: seconds
            )
            .show(json: output.json)
        }
    }

    func limits() throws -> TransferLimits {
        // Of a folder's files many travel at once already.
        let widest = parallel ?? (recursive ? nil : 32)
        var limits = TransferLimits(parallel: parallel ?? 8, widest: widest)
        guard let partSize else { return limits }
        do throws(BadValue) {
            let expected = "a size from 5Mi to 5Gi"
            let bytes = try Quantity.bytes(partSize, expected: expected)
            guard (PartPlan.smallestPartBytes...PartPlan.largestPartBytes).contains(bytes) else {
                throw BadValue(why: partSize, remedy: "Write \(expected).")
            }
            limits.partBytes = bytes
            return limits
        } catch {
            throw ValidationError("--part-size: \(error.why). \(error.remedy)")
        }
    }

    /// The file that a download becomes.
    private static func file(_ target: [UInt8], for key: ObjectKey) -> [UInt8] {
        var status = stat()
        let isDirectory =
            target.withCPath { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard isDirectory || target.last == FilePath.separator else { return target }
        let name = key.bytes.split(separator: FilePath.separator).last ?? []
        return target + (target.last == FilePath.separator ? [] : [FilePath.separator]) + name
    }
}

/// What `s3 cp` says at its end.
private struct CopyReport: Encodable {
    let event = "copied"
    let source: String
    let target: String
    let bytes: Int64
    let seconds: Double
    let crc64nvme: String

    init(source: String, target: String, copied: ObjectCopy.Copied, seconds: Double) {
        self.source = source
        self.target = target
        bytes = copied.bytes
        self.seconds = seconds
        crc64nvme = copied.checksum.hex
    }

    func show(json: Bool) {
        if json, let bytes = try? ContractCoding.encode(self) {
            Console.out(String(decoding: bytes, as: UTF8.self))
            return
        }
        let rate = seconds > 0 ? ", \(ByteCount.text(Int64(Double(bytes) / seconds)))/s" : ""
        Console.out(
            "\(source) -> \(target): \(ByteCount.text(bytes)) in \(Decimals.text(seconds, 2)) s"
                + "\(rate), crc64nvme \(crc64nvme)"
        )
    }
}
