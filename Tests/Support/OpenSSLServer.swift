// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An HTTPS server on 127.0.0.1 (`openssl s_server -www`) with a certificate made for it, which is
/// its own authority.
package final class OpenSSLServer {
    /// What clients have to trust.
    package let certificatePEM: [UInt8]
    package let port: Int
    private let process: pid_t
    private let output: Int32
    private let folder: String

    package struct Failure: Error {
        let reason: String
    }

    /// - Parameters:
    ///   - name: whom the certificate is for, such as `IP:127.0.0.1` or `DNS:example.org`.
    ///   - arguments: more for `openssl s_server`.
    package init(name: String, arguments: [String] = []) throws {
        var template = Array("/tmp/openssl-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(reason: "mkdtemp") }
        let folder = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        self.folder = folder
        let (key, certificate) = (folder + "/key.pem", folder + "/certificate.pem")
        let (maker, silence) = try Self.spawn([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=test", "-addext", "subjectAltName=" + name, "-keyout", key,
            "-out", certificate,
        ])
        close(silence)
        var status: Int32 = 0
        guard waitpid(maker, &status, 0) == maker, status == 0
        else { throw Failure(reason: "openssl req") }
        certificatePEM = try Self.read(certificate)
        let (server, output) = try Self.spawn(
            [
                "s_server", "-www", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate,
            ] + arguments
        )
        process = server
        self.output = output
        guard let port = Self.port(announcedOn: output) else {
            kill(server, SIGKILL)
            waitpid(server, nil, 0)
            close(output)
            throw Failure(reason: "openssl s_server")
        }
        self.port = port
    }

    /// Ends the server.
    package func stop() {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        close(output)
        for name in ["/key.pem", "/certificate.pem"] { unlink(folder + name) }
        rmdir(folder)
    }

    /// Starts openssl; its standard output can be read from the descriptor.
    private static func spawn(_ arguments: [String]) throws -> (pid_t, Int32) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0
        else { throw Failure(reason: "socketpair") }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var texts = (["openssl"] + arguments).map { strdup($0) } + [nil]
        defer { for text in texts { free(text) } }
        var process = pid_t()
        guard posix_spawnp(&process, "openssl", &actions, nil, &texts, environ) == 0
        else { throw Failure(reason: "posix_spawn") }
        return (process, ends[0])
    }

    /// Reads `ACCEPT 127.0.0.1:4711`.
    private static func port(announcedOn descriptor: Int32) -> Int? {
        var text = ""
        var byte: UInt8 = 0
        while Glibc.read(descriptor, &byte, 1) == 1 {
            guard byte == UInt8(ascii: "\n") else {
                text.unicodeScalars.append(Unicode.Scalar(byte))
                continue
            }
            if text.hasPrefix("ACCEPT"), let digits = text.split(separator: ":").last {
                return Int(digits)
            }
            text = ""
        }
        return nil
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(reason: path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(count, 0)))
    }
}
