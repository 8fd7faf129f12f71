// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An HTTPS server on 127.0.0.1 (`openssl s_server`) with a certificate made for it, which is its own
/// authority.
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
    ///   - validity: from when and until when it is good, such as `20200101000000Z`; nil for now.
    ///   - answer: what it says to `GET /secret`, head and body; nil for a page of openssl's own.
    ///   - path: where it says that, if not there.
    ///   - arguments: more for `openssl s_server`.
    package init(
        name: String,
        validity: (from: String, until: String)? = nil,
        answer: [UInt8]? = nil,
        at path: String = "secret",
        arguments: [String] = []
    ) throws {
        var template = Array("/tmp/openssl-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(reason: "mkdtemp") }
        let folder = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        self.folder = folder
        let (key, certificate) = (folder + "/key.pem", folder + "/certificate.pem")
        try Self.run([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=test", "-addext", "subjectAltName=" + name, "-keyout", key,
            "-out", certificate,
        ])
        if let validity { try Self.date(certificate, name, key: key, validity, in: folder) }
        certificatePEM = try Self.read(certificate)
        if let answer {
            try Shell.run("cd '\(folder)'; mkdir -p \"$(dirname '\(path)')\"")
            try ChildProcess.write(answer, to: "\(folder)/\(path)")
        }
        let (server, output) = try Self.spawn(
            [
                "s_server", answer == nil ? "-www" : "-HTTP", "-accept", "127.0.0.1:0",
                "-key", key, "-cert", certificate,
            ] + arguments,
            in: folder
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
        _ = try? Shell.run("rm -rf '\(folder)'")
    }

    /// Makes the certificate anew, with these dates.
    private static func date(
        _ certificate: String,
        _ name: String,
        key: String,
        _ validity: (from: String, until: String),
        in folder: String
    ) throws {
        let settings = """
            [ca]
            default_ca = own
            [own]
            database = \(folder)/index
            new_certs_dir = \(folder)
            rand_serial = yes
            default_md = sha256
            policy = any
            copy_extensions = copy
            [any]
            commonName = supplied
            """
        try ChildProcess.write(Array(settings.utf8), to: folder + "/ca.conf")
        try ChildProcess.write([], to: folder + "/index")
        try run([
            "req", "-new", "-key", key, "-subj", "/CN=test", "-addext", "subjectAltName=" + name,
            "-out", folder + "/wanted.pem",
        ])
        try run([
            "ca", "-batch", "-notext", "-config", folder + "/ca.conf", "-selfsign",
            "-keyfile", key, "-in", folder + "/wanted.pem", "-startdate", validity.from,
            "-enddate", validity.until, "-out", certificate,
        ])
    }

    /// Runs openssl to its end.
    private static func run(_ arguments: [String]) throws {
        let (process, silence) = try spawn(arguments)
        close(silence)
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process, status == 0
        else { throw Failure(reason: "openssl \(arguments[0])") }
    }

    /// Starts openssl; its standard output can be read from the descriptor.
    private static func spawn(
        _ arguments: [String],
        in folder: String = "/"
    ) throws -> (pid_t, Int32) {
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
        var texts = (["env", "-C", folder, "openssl"] + arguments).map { strdup($0) } + [nil]
        defer { for text in texts { free(text) } }
        var process = pid_t()
        guard posix_spawnp(&process, "env", &actions, nil, &texts, environ) == 0
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
