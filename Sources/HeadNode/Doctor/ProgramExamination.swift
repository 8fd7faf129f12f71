// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names

/// What a program file is (System V ABI, ELF header and program headers).
enum ProgramFile: Equatable {
    /// Runs in any image.
    case isStatic
    /// Wants the loader that it names.
    case needs(loader: [UInt8])
    case isNoProgram

    private static let headerBytes = 64
    private static let interpreter: UInt64 = 3

    /// Judges the first bytes of a file.
    init(_ bytes: [UInt8]) {
        func number(_ offset: Int, _ count: Int) -> UInt64? {
            guard offset >= 0, offset + count <= bytes.count else { return nil }
            return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        // 64 bits, little-endian: what this project is built for.
        guard bytes.count >= Self.headerBytes, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]),
            let table = number(32, 8).flatMap(Int.init(exactly:)),
            let size = number(54, 2).map(Int.init), let count = number(56, 2).map(Int.init),
            table <= bytes.count
        else {
            self = .isNoProgram
            return
        }
        for index in 0..<count {
            let entry = table + index * size
            guard number(entry, 4) == Self.interpreter else { continue }
            let start = number(entry + 8, 8).flatMap(Int.init(exactly:)) ?? bytes.count
            let name = start < bytes.count ? bytes[start...].prefix { $0 != 0 } : []
            self = .needs(loader: Array(name))
            return
        }
        self = .isStatic
    }

    /// Reads the beginning of the file at `path`.
    init(at path: FilePath) throws(SmallFile.Failure) {
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .system(errno) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw .system(errno) }
        self.init(Array(buffer[..<count]))
    }
}

/// Whether the worker can be handed to tools.
struct ProgramExamination {
    let configured: FilePath?

    func run() -> DoctorFinding {
        let check = "worker"
        let path: FilePath
        do throws(HeadError) { path = try Programs.worker(configured) } catch {
            return .fail(check, error)
        }
        do throws(SmallFile.Failure) {
            switch try ProgramFile(at: path) {
            case .isStatic: return .ok(check, "\(path) is static, so it runs in any image")
            case .needs(let loader):
                return .warn(
                    check,
                    "\(path) wants \(loader.logSafe), which an image need not have",
                    "Build it with Scripts/worker, and set local.worker to its path."
                )
            case .isNoProgram:
                return .fail(
                    check,
                    "\(path) is not a program for this machine",
                    "Build it with Scripts/worker, and set local.worker to its path."
                )
            }
        } catch {
            return .fail(
                check,
                "\(path) cannot be read",
                "Make it readable and executable for this user."
            )
        }
    }
}
